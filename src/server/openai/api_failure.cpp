#include "server/openai/api_failure.h"

#include <fmt/format.h>

#include "runtime/stages/inference.h"
#include "server/api_error.h"

namespace sovereign::server::openai {
namespace {

constexpr std::chrono::seconds kRetryWhenFull{1};
constexpr std::chrono::seconds kRetryWhenUnavailable{5};

constexpr unsigned kUnprocessable = 422;

// An answer that the quality gate refused is nobody's mistake, and asking again would bring the same: a
// status that official clients do not repeat.
unsigned status_of(const ApiFailure& failure) {
  return failure.code == "quality_gate" ? kUnprocessable : http_status(failure.error.code);
}

std::string body_of(const ApiFailure& failure) {
  auto body =
      error_body(failure.error.message, error_type(status_of(failure)), failure.error.where,
                 failure.code.empty() ? to_string(failure.error.code) : std::string_view(failure.code));
  if (failure.details.empty()) return body;
  constexpr std::string_view kEnd = "}}";  // of the error, and of the body
  body.resize(body.size() - kEnd.size());
  return body + ",\"details\":" + failure.details + "}}";
}

}  // namespace

HttpResponse to_response(const ApiFailure& failure) {
  std::optional<std::chrono::seconds> retry_after = failure.retry_after;
  if (!retry_after && failure.error.code == ErrorCode::resource_exhausted) retry_after = kRetryWhenFull;
  if (!retry_after && failure.error.code == ErrorCode::unavailable) retry_after = kRetryWhenUnavailable;
  auto response = error_response(failure.error, retry_after);
  response.status = status_of(failure);
  response.body = body_of(failure);
  // Official clients repeat every 5xx; a generation that took too long once would do so again.
  if (failure.error.code == ErrorCode::deadline_exceeded) {
    response.headers.emplace_back("x-should-retry", "false");
  }
  return response;
}

std::string to_event(const ApiFailure& failure) { return body_of(failure); }

ApiFailure model_loading() {
  return {Error{ErrorCode::unavailable, "The model is still loading; try again in a few seconds.", {}},
          "model_loading"};
}

ApiFailure no_embedded_model() {
  return {Error{ErrorCode::unsupported, "No model is served in this process.", {}}, "no_embedded_model"};
}

ApiFailure model_not_found(const std::string& name, const Serving& serving) {
  std::string available;
  for (const auto& model : serving.models) available += (available.empty() ? "" : ", ") + model->id;
  return {Error{ErrorCode::not_found,
                fmt::format("The model '{}' does not exist here. Available: {}.", name, available), "model"},
          "model_not_found"};
}

ApiFailure context_length_exceeded(std::size_t prompt_tokens, std::uint32_t context_tokens, std::string param,
                                   bool at_least) {
  return {
      Error{ErrorCode::invalid_argument,
            fmt::format("The prompt has {}{} tokens, but this model's maximum context length is {} tokens, "
                        "prompt and output together. Shorten the prompt.",
                        at_least ? "at least " : "", prompt_tokens, context_tokens),
            std::move(param)},
      "context_length_exceeded"};
}

std::optional<ApiFailure> failure_of(engine::FinishReason finish, const std::optional<Error>& error) {
  if (auto failure = runtime::failure_of(finish, error)) return ApiFailure(*failure);
  return std::nullopt;
}

}  // namespace sovereign::server::openai
