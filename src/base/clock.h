// Time as an argument.
//
// Pure cores take `Time now`; shells read it from a Clock, so that tests run under a virtual one.
#pragma once

#include <chrono>

namespace sovereign {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// Monotonic time. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

// The machine's monotonic clock.
class SteadyClock final : public Clock {
 public:
  Time now() const override { return std::chrono::steady_clock::now(); }
};

// A clock that stands still until it is told otherwise; for tests and simulators. Not thread-safe.
class ManualClock final : public Clock {
 public:
  Time now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Time now_{};
};

}  // namespace sovereign
