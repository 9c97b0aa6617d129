// Why a request cannot be answered, with OpenAI's code where it has one.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generation.h"
#include "gateway/failure.h"
#include "server/exchange.h"
#include "server/openai/served_model.h"

namespace sovereign::server::openai {

struct ApiFailure {
  Error error;
  std::string code;     // e.g. "context_length_exceeded"; empty: the ErrorCode's name
  std::string details;  // a JSON object, for the error object's "details"; empty: none
  std::optional<std::chrono::seconds> retry_after;  // where it is known better than by the code

  ApiFailure(Error e) : error(std::move(e)) {}  // NOLINT: an Error is a failure without a code
  ApiFailure(const gateway::Failure& failure)   // NOLINT: likewise
      : error(failure), code(failure.reason), details(failure.details), retry_after(failure.retry_after) {}
  ApiFailure(Error e, std::string c) : error(std::move(e)), code(std::move(c)) {}
};

template <class T>
using outcome = tl::expected<T, ApiFailure>;

inline tl::unexpected<ApiFailure> refuse(ApiFailure failure) {
  return tl::unexpected<ApiFailure>(std::move(failure));
}

// The answer, with Retry-After where a retry makes sense.
HttpResponse to_response(const ApiFailure& failure);

// The payload of an event in a stream that has begun: official clients raise it as an APIError.
std::string to_event(const ApiFailure& failure);

ApiFailure model_loading();
// Of requests that only a model in this process can answer, where there is none.
ApiFailure no_embedded_model();
ApiFailure model_not_found(const std::string& name, const Serving& serving);
// `at_least`: the prompt was not counted, and has so many or more.
ApiFailure context_length_exceeded(std::size_t prompt_tokens, std::uint32_t context_tokens, std::string param,
                                   bool at_least = false);

// What a choice's end means for the response; empty for stop and length.
std::optional<ApiFailure> failure_of(engine::FinishReason finish, const std::optional<Error>& error);

}  // namespace sovereign::server::openai
