#include "gateway/openai/remote_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/openai/answer_json.h"

namespace sovereign::gateway {
namespace {

constexpr std::chrono::seconds kLongestRetryAfter{3600};

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (text.empty() || error != std::errc() || rest != end || seconds < 0) return std::nullopt;  // or a date
  return std::min(std::chrono::seconds(seconds), kLongestRetryAfter);
}

}  // namespace

Failure failure_of_status(std::string_view backend, unsigned status, std::string_view body,
                          std::string_view retry_after) {
  const auto says = [&](std::string_view what) {
    const auto words = error_message(body);
    return fmt::format("backend '{}' {}{}{}", backend, what, words.empty() ? "" : ": ", words);
  };
  switch (status) {
    case 400:
    case 413:
    case 422: return {ErrorCode::invalid_argument, error_message(body), {}, error_code(body)};
    case 401:
    case 403: return {ErrorCode::unavailable, says("refuses our API key"), {}, "backend_auth"};
    case 404:
      return {ErrorCode::unavailable, says("does not have what it is asked for"), {}, "backend_not_found"};
    case 429: {
      Failure failure(ErrorCode::resource_exhausted, says("has too many requests"), {}, "backend_overloaded");
      failure.retry_after = parse_retry_after(retry_after);
      return failure;
    }
    default: break;
  }
  Failure failure(ErrorCode::unavailable, says(fmt::format("answered with status {}", status)), {},
                  "backend_error");
  failure.retry_after = parse_retry_after(retry_after);
  return failure;
}

}  // namespace sovereign::gateway
