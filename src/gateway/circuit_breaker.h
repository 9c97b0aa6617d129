// Stops asking a backend that fails, and finds out carefully whether it is back.
//
//   closed      calls pass; opens after `consecutive_failures` in a row, or when `failure_rate` of at least
//               `min_calls` calls within `window` failed
//   open        no call passes for `open_for`, twice as long after each relapse, at most `max_open_for`
//   half-open   `probes` calls at a time pass; `probe_successes` of them close it, one failure opens it
//
// Pure: time comes in. A call's outcome counts only in the state that let it pass: what began before the
// backend broke says nothing about whether it is well again. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace sovereign::gateway {

struct BreakerConfig {
  std::uint32_t consecutive_failures = 5;
  double failure_rate = 0.5;
  std::uint32_t min_calls = 20;
  Duration window = std::chrono::seconds(30);
  Duration open_for = std::chrono::seconds(5);
  Duration max_open_for = std::chrono::minutes(2);
  Duration row_lasts = std::chrono::minutes(5);  // failures further apart are not in a row
  std::uint32_t probes = 1;
  std::uint32_t probe_successes = 2;
};

class CircuitBreaker {
 public:
  enum class State { closed, open, half_open };

  // What a call that passed gives back with its outcome.
  struct Permit {
    std::uint64_t epoch = 0;
  };

  explicit CircuitBreaker(const BreakerConfig& config = {}) : config_(config), open_for_(config.open_for) {}

  // For another that takes over: it knows what this one knows, and no call of this one's is under way there.
  CircuitBreaker successor() const;

  // Whether a call would pass now. Changes nothing.
  bool admits(Time now) const;
  // Lets a call pass, or not. Each permit is given back once, by one of the next three.
  std::optional<Permit> admit(Time now);
  void succeeded(Permit permit, Time now);
  void failed(Permit permit, Time now);
  // The call says nothing about the backend: the client left, or its request was wrong.
  void dropped(Permit permit);
  // So many of the failures in a row turned out not to matter.
  void forgive(std::uint32_t failures) { in_a_row_ -= std::min(in_a_row_, failures); }

  // Open turns half-open by time alone.
  State state(Time now) const;
  // When an open breaker lets the first call pass; `now` otherwise.
  Time admits_at(Time now) const;
  std::uint64_t times_opened() const { return times_opened_; }
  // Failures since the last success, with at most `row_lasts` between them; while closed.
  std::uint32_t failures_in_a_row(Time now) const {
    return now - failed_at_ > config_.row_lasts ? 0 : in_a_row_;
  }

 private:
  static constexpr std::size_t kSlices = 10;  // of the window
  struct Slice {
    std::int64_t number = -1;  // of the window's tenths since the epoch of time
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
  };

  void record(Time now, bool failure);
  bool too_many_failures(Time now) const;
  void open(Time now);
  void close();
  void settle(Time now);
  std::int64_t slice_number(Time now) const;

  BreakerConfig config_;
  State state_ = State::closed;  // as of the last call; state() knows better
  std::uint64_t epoch_ = 0;      // grows with each change of state
  std::uint32_t in_a_row_ = 0;
  Time failed_at_{};
  std::array<Slice, kSlices> slices_{};
  Time open_until_{};
  Duration open_for_;
  std::uint32_t probing_ = 0;
  std::uint32_t probes_passed_ = 0;
  std::uint64_t times_opened_ = 0;
};

// "closed", "open", "half_open"
std::string_view to_string(CircuitBreaker::State state);

}  // namespace sovereign::gateway
