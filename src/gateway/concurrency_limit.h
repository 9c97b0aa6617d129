// How many at a time, and who waits: a limit with a bounded first-come queue.
//
// Pure: it knows numbers, not requests. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace sovereign::gateway {

class ConcurrencyLimit {
 public:
  using Ticket = std::uint64_t;
  enum class Verdict { admitted, queued, refused };

  // `limit` 0: no limit, and nobody ever waits.
  ConcurrencyLimit(std::uint32_t limit, std::uint32_t max_queued) : limit_(limit), max_queued_(max_queued) {}

  bool full() const { return limit_ != 0 && running_ >= limit_; }
  bool queue_full() const { return queue_.size() >= max_queued_; }

  Verdict enter(Ticket ticket) {
    if (!full()) {
      ++running_;
      return Verdict::admitted;
    }
    if (queue_full()) return Verdict::refused;
    queue_.push_back(ticket);
    return Verdict::queued;
  }
  // One that was admitted has ended. Gives who is admitted in its place.
  std::optional<Ticket> leave() {
    if (queue_.empty()) {
      if (running_ > 0) --running_;
      return std::nullopt;
    }
    const Ticket next = queue_.front();
    queue_.pop_front();
    return next;
  }
  // Stops waiting. False: it did not wait (any more).
  bool withdraw(Ticket ticket) {
    const auto place = std::find(queue_.begin(), queue_.end(), ticket);
    if (place == queue_.end()) return false;
    queue_.erase(place);
    return true;
  }

  std::uint32_t running() const { return running_; }
  std::size_t queued() const { return queue_.size(); }

 private:
  std::uint32_t limit_;
  std::uint32_t max_queued_;
  std::uint32_t running_ = 0;
  std::deque<Ticket> queue_;
};

}  // namespace sovereign::gateway
