#include "gateway/openai/answer_json.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace sovereign::gateway {

namespace json = boost::json;

const json::value* find(const json::value& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto* value = object.get_object().if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string_view text_of(const json::value& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::uint32_t number_of(const json::value& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr) return 0;
  std::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error || number < 0 ? 0 : static_cast<std::uint32_t>(std::min<std::int64_t>(number, UINT32_MAX));
}

engine::FinishReason finish_of(std::string_view name) {
  constexpr std::array<std::string_view, 7> kBrokenOff = {
      "abort", "aborted", "cancelled", "canceled", "error", "timeout", "insufficient_system_resource"};
  if (name == "length") return engine::FinishReason::length;
  if (name == "content_filter") return engine::FinishReason::filtered;
  const bool broken = std::find(kBrokenOff.begin(), kBrokenOff.end(), name) != kBrokenOff.end();
  return broken ? engine::FinishReason::error : engine::FinishReason::stop;
}

engine::GenerationSummary read_usage(const json::value& usage) {
  engine::GenerationSummary told;
  told.prompt_tokens = number_of(usage, "prompt_tokens");
  told.completion_tokens = number_of(usage, "completion_tokens");
  if (const auto* details = find(usage, "prompt_tokens_details")) {
    told.cached_prompt_tokens = number_of(*details, "cached_tokens");
  }
  return told;
}

tl::unexpected<Failure> refuse(ErrorCode code, std::string message, std::string reason) {
  return tl::unexpected<Failure>({code, std::move(message), {}, std::move(reason)});
}

Failure broken_off(std::string_view finish_reason) {
  return {ErrorCode::unavailable,
          "it broke its answer off, as '" + std::string(finish_reason.substr(0, kMaxQuotedBytes)) + "'",
          {},
          "backend_broke_off"};
}

namespace {

// vLLM and SGLang have no code for it but their words.
bool says_too_long(std::string_view message) {
  return message.find("maximum context length") != std::string_view::npos ||
         message.find("the model's context length") != std::string_view::npos;
}

}  // namespace

std::string error_message(std::string_view body) {
  std::error_code failed;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), failed);
  std::string_view text = body;
  if (!failed) {
    const auto* error = find(value, "error");
    if (error != nullptr && error->is_string()) text = text_of(value, "error");
    if (error != nullptr && !text_of(*error, "message").empty()) text = text_of(*error, "message");
    if (error == nullptr && !text_of(value, "message").empty()) text = text_of(value, "message");
    if (error == nullptr && !text_of(value, "detail").empty()) text = text_of(value, "detail");
  }
  std::string message(text.substr(0, kMaxQuotedBytes));
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return message;
}

std::string error_code(std::string_view body) {
  std::error_code failed;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), failed);
  if (failed) return {};
  if (const auto* error = find(value, "error")) {
    // llama-server's name for it; its codes are numbers.
    if (text_of(*error, "type") == "exceed_context_size_error") return std::string(kContextLengthExceeded);
    const auto code = text_of(*error, "code");
    if (!code.empty()) return std::string(code.substr(0, kMaxQuotedBytes));
  }
  return says_too_long(error_message(body)) ? std::string(kContextLengthExceeded) : std::string();
}

bool blames_request(std::string_view body) {
  std::error_code failed;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), failed);
  const auto* error = failed ? nullptr : find(value, "error");
  if (error == nullptr) return false;
  const std::uint32_t status = number_of(*error, "code");
  return status == 400 || status == 413 || status == 422 ||
         text_of(*error, "type") == "invalid_request_error";
}

}  // namespace sovereign::gateway
