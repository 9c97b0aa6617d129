// An error with the name of its cause, where programs tell causes apart that people read in the message.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace sovereign::gateway {

// The prompt does not fit this backend's context; another one's may be longer.
inline constexpr std::string_view kContextLengthExceeded = "context_length_exceeded";

struct Failure : Error {
  std::string reason;   // stable, e.g. kContextLengthExceeded; empty: the code says all there is
  std::string details;  // a JSON object for programs, e.g. scores; empty: none
  std::optional<std::chrono::seconds> retry_after;  // when asking again makes sense, where that is known
  bool blameless = false;  // the backend is well: it was not asked, or too late to answer in time

  Failure(Error error) : Error(std::move(error)) {}  // NOLINT: every Error is a failure
  Failure(ErrorCode kind, std::string words, std::string place = {}, std::string cause = {})
      : Error{kind, std::move(words), std::move(place)}, reason(std::move(cause)) {}
};

template <class T>
using outcome = tl::expected<T, Failure>;

}  // namespace sovereign::gateway
