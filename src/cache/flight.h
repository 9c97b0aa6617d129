// One piece of work that many wait for, as a pure state machine.
//
// A producer appends pieces; each waiter polls and gets the pieces that it has not had, from the first
// one on, whenever it joined. The flight knows whom to wake; waking is its owner's work (SingleFlight).
// When the producer leaves unfinished, the longest-waiting waiter becomes the heir: its next poll says
// `lead`, and it goes on from the pieces that are there. Not thread-safe.
#pragma once

#include <cassert>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace sovereign::cache {

using WaiterId = std::uint64_t;

// Piece and Outcome are copied to every waiter: keep them cheap to copy.
template <class Piece, class Outcome>
class Flight {
 public:
  struct Update {
    std::vector<Piece> pieces;
    std::optional<Outcome> outcome;  // when set, all pieces have been given
    bool lead = false;               // this waiter must produce now
  };

  // Begins with a producer and no waiter. Once the last waiter has left the flight is over: attach to it
  // no more.
  WaiterId attach() {
    waiters_.emplace(++last_id_, Waiter{});
    return last_id_;
  }

  // What is new for this waiter.
  Update poll(WaiterId id) {
    Waiter& waiter = waiters_.at(id);
    waiter.signalled = false;
    Update update;
    update.pieces.assign(pieces_.begin() + static_cast<std::ptrdiff_t>(waiter.next), pieces_.end());
    waiter.next = pieces_.size();
    update.outcome = outcome_;
    if (heir_ == id) {
      heir_.reset();
      produced_ = true;
      update.lead = true;
    }
    return update;
  }

  // Ids to wake are appended to `wake`, each at most once until it polls again.
  void append(Piece piece, std::vector<WaiterId>& wake) {
    assert(produced_ && !outcome_);
    pieces_.push_back(std::move(piece));
    signal_all(wake);
  }
  void finish(Outcome outcome, std::vector<WaiterId>& wake) {
    assert(produced_ && !outcome_);
    outcome_ = std::move(outcome);
    produced_ = false;
    signal_all(wake);
  }
  // The producer left unfinished.
  void hand_over(std::vector<WaiterId>& wake) {
    assert(produced_ && !outcome_);
    produced_ = false;
    choose_heir(wake);
  }
  void detach(WaiterId id, std::vector<WaiterId>& wake) {
    waiters_.erase(id);
    if (heir_ != id) return;
    heir_.reset();
    choose_heir(wake);
  }

  bool done() const { return outcome_.has_value(); }
  bool has_producer() const { return produced_; }
  std::size_t waiters() const { return waiters_.size(); }
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  struct Waiter {
    std::size_t next = 0;  // the first piece it has not had
    bool signalled = false;
  };

  void signal(WaiterId id, Waiter& waiter, std::vector<WaiterId>& wake) {
    if (waiter.signalled) return;
    waiter.signalled = true;
    wake.push_back(id);
  }
  void signal_all(std::vector<WaiterId>& wake) {
    for (auto& [id, waiter] : waiters_) signal(id, waiter, wake);
  }
  void choose_heir(std::vector<WaiterId>& wake) {
    if (waiters_.empty()) return;
    auto& [id, waiter] = *waiters_.begin();
    heir_ = id;
    signal(id, waiter, wake);
  }

  std::vector<Piece> pieces_;
  std::optional<Outcome> outcome_;
  std::map<WaiterId, Waiter> waiters_;  // in the order of joining
  std::optional<WaiterId> heir_;
  bool produced_ = true;
  WaiterId last_id_ = 0;
};

}  // namespace sovereign::cache
