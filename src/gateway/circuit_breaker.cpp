#include "gateway/circuit_breaker.h"

#include <algorithm>

namespace sovereign::gateway {

std::string_view to_string(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::closed: return "closed";
    case CircuitBreaker::State::open: return "open";
    case CircuitBreaker::State::half_open: return "half_open";
  }
  return "open";
}

CircuitBreaker::State CircuitBreaker::state(Time now) const {
  return state_ == State::open && now >= open_until_ ? State::half_open : state_;
}

Time CircuitBreaker::admits_at(Time now) const { return state(now) == State::open ? open_until_ : now; }

CircuitBreaker CircuitBreaker::successor() const {
  CircuitBreaker next = *this;
  ++next.epoch_;
  next.probing_ = 0;
  return next;
}

bool CircuitBreaker::admits(Time now) const {
  switch (state(now)) {
    case State::closed: return true;
    case State::open: return false;
    case State::half_open: return state_ == State::open || probing_ < config_.probes;
  }
  return false;
}

void CircuitBreaker::settle(Time now) {
  if (state_ != State::open || now < open_until_) return;
  state_ = State::half_open;
  ++epoch_;
  probing_ = probes_passed_ = 0;
}

std::optional<CircuitBreaker::Permit> CircuitBreaker::admit(Time now) {
  settle(now);
  if (!admits(now)) return std::nullopt;
  if (state_ == State::half_open) ++probing_;
  return Permit{epoch_};
}

void CircuitBreaker::succeeded(Permit permit, Time now) {
  if (permit.epoch != epoch_) return;
  if (state_ == State::half_open) {
    --probing_;
    if (++probes_passed_ >= config_.probe_successes) close();
    return;
  }
  in_a_row_ = 0;
  record(now, false);
}

void CircuitBreaker::failed(Permit permit, Time now) {
  if (permit.epoch != epoch_) return;
  if (state_ == State::half_open) {
    open_for_ = std::min(open_for_ * 2, std::max(config_.max_open_for, config_.open_for));
    return open(now);
  }
  in_a_row_ = failures_in_a_row(now) + 1;
  failed_at_ = now;
  record(now, true);
  if (in_a_row_ >= config_.consecutive_failures || too_many_failures(now)) open(now);
}

void CircuitBreaker::dropped(Permit permit) {
  if (permit.epoch == epoch_ && state_ == State::half_open) --probing_;
}

void CircuitBreaker::open(Time now) {
  state_ = State::open;
  open_until_ = now + open_for_;
  ++epoch_;
  ++times_opened_;
}

void CircuitBreaker::close() {
  state_ = State::closed;
  ++epoch_;
  in_a_row_ = 0;
  slices_ = {};
  open_for_ = config_.open_for;
}

std::int64_t CircuitBreaker::slice_number(Time now) const {
  const auto width = std::max<std::int64_t>(1, config_.window.count() / static_cast<std::int64_t>(kSlices));
  return now.time_since_epoch().count() / width;
}

void CircuitBreaker::record(Time now, bool failure) {
  const auto number = slice_number(now);
  Slice& slice = slices_[static_cast<std::size_t>(number) % kSlices];
  if (slice.number != number) slice = {number, 0, 0};
  ++slice.calls;
  if (failure) ++slice.failures;
}

bool CircuitBreaker::too_many_failures(Time now) const {
  const auto newest = slice_number(now);
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  for (const Slice& slice : slices_) {
    if (slice.number < 0 || newest - slice.number >= static_cast<std::int64_t>(kSlices)) continue;
    calls += slice.calls;
    failures += slice.failures;
  }
  return calls >= config_.min_calls &&
         static_cast<double>(failures) >= config_.failure_rate * static_cast<double>(calls);
}

}  // namespace sovereign::gateway
