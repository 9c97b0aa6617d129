// Gathers requests for a backend that has no batching of its own: a batch goes out when it is full, or when
// one of its requests has waited long enough, whichever comes first.
//
// Pure: time comes in, and who drives it wakes it at deadline(). Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace sovereign::gateway {

struct BatchWindowConfig {
  std::uint32_t max_batch_size = 8;  // 1: nothing ever waits
  Duration max_wait = std::chrono::milliseconds(50);
};

class BatchWindow {
 public:
  using Ticket = std::uint64_t;
  using Batch = std::vector<Ticket>;  // in order of arrival

  explicit BatchWindow(const BatchWindowConfig& config = {}) : config_(config) {}

  // The batch that this request fills, or nothing: it waits, at most max_wait or `patience`.
  Batch add(Ticket ticket, Time now, Duration patience = Duration::max());
  // The batch whose time has come; nothing before deadline().
  Batch due(Time now);
  // False: it did not wait (any more).
  bool withdraw(Ticket ticket);

  // When due() gives something; none while nobody waits.
  std::optional<Time> deadline() const;
  std::size_t waiting() const { return waiting_.size(); }

 private:
  Batch release();

  struct Waiting {
    Ticket ticket;
    Time leaves_by;
  };
  BatchWindowConfig config_;
  std::vector<Waiting> waiting_;
};

}  // namespace sovereign::gateway
