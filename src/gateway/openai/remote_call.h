// What an exchange with a server tells those whose answers come of it. No sockets; the one who reads them
// drives it.
//
// On the event loop, all of it, but for stop_token().
#pragma once

#include <optional>
#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/backend.h"

namespace sovereign::gateway {

class RemoteCall {
 public:
  virtual ~RemoteCall() = default;

  // Nobody wants more of it: the connection is to be closed.
  virtual std::stop_token stop_token() const = 0;

  // When it has taken too long, as things stand; progress moves it, later or sooner. Time::max(): never.
  virtual Time deadline() const = 0;
  // It has. Moves the deadline.
  virtual void expire(Time now) = 0;

  // Who answers, where that was not certain: known before the answer begins.
  virtual void set_answerer(const BackendIdentity& answerer) = 0;

  // One event's data; false: read no further.
  virtual bool take_event(std::string_view data, Time now) = 0;
  // A body that was no stream, with its status and Retry-After.
  virtual void take_answer(unsigned status, std::string_view body, std::string_view retry_after,
                           Time now) = 0;
  // The connection is done with; `error` when it broke.
  virtual void finish(const std::optional<Error>& error, Time now) = 0;
};

// For the end of the body, after [DONE].
inline constexpr std::chrono::seconds kLastBytesLimit{1};

// What a status other than 2xx means.
Failure failure_of_status(std::string_view backend, unsigned status, std::string_view body,
                          std::string_view retry_after);

}  // namespace sovereign::gateway
