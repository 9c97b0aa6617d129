// Who asks a backend when, if it takes several prompts in one call: requests that can share a call wait for
// each other, and at most so many calls are under way.
//
//   add -> [window: full, or waited long enough] -> [queue: a call may begin] -> Moves::calls
//
// While a batch waits for its turn it takes what still fits: a busy server is what fills batches best.
//
// Pure: it knows numbers, not requests; time comes in, and who drives it wakes it at deadline(). What waits
// is bounded by who lets queries in (MemberConfig::max_concurrency). Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gateway/batch_window.h"

namespace sovereign::gateway {

struct BatchGateConfig {
  BatchWindowConfig window{};
  std::uint32_t max_calls = 0;    // under way at a time; 0: no limit
  std::size_t max_windows = 256;  // open at a time; a request that would open one more goes alone
};

class BatchGate {
 public:
  using Ticket = BatchWindow::Ticket;
  struct Waiter {
    Ticket ticket = 0;
    std::string key;                      // those of one key can share a call; empty: it shares none
    Duration patience = Duration::max();  // waits no longer than this for company
    Time expires = Time::max();           // waits no longer than until then for its turn
  };
  struct Moves {
    std::vector<std::vector<Ticket>> calls;  // that begin now, each to be given back with ended()
    std::vector<Ticket> expired;
  };

  explicit BatchGate(const BatchGateConfig& config) : config_(config) {}

  Moves add(const Waiter& waiter, Time now);
  // What the time has come for; nothing before deadline().
  Moves due(Time now);
  // A call has ended: the next one's turn.
  Moves ended();
  // False: it did not wait (any more).
  bool withdraw(Ticket ticket);

  // When due() gives something; none while nobody waits for a time.
  std::optional<Time> deadline() const;
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t windows() const { return windows_.size(); }
  std::uint32_t running() const { return running_; }

 private:
  struct Call {
    std::string key;
    std::vector<Ticket> tickets;
  };
  struct Place {
    std::string key;
    Time expires;
  };
  bool join_queued(const Waiter& waiter);
  void take_leave(Moves& moves);

  BatchGateConfig config_;
  std::uint32_t running_ = 0;
  std::unordered_map<std::string, BatchWindow> windows_;  // none is empty
  std::deque<Call> queue_;                                // whose turn has not come; none is empty
  std::unordered_map<Ticket, Place> waiting_;
  std::set<std::pair<Time, Ticket>> expiries_;  // of those waiting that have one
};

}  // namespace sovereign::gateway
