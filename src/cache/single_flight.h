// N identical queries at once cause one inference: the first leads, the others follow.
//
// join() gives every client a Waiter; the first also gets the Producer, the duty to do the work. Waiters
// may join mid-way and get what was produced so far. Whoever leaves destroys its Waiter:
//  - the work goes on while anyone waits, whoever began it;
//  - when the last waiter leaves, the producer is told (on_abandoned) and the key is free again;
//  - when a Producer is destroyed unfinished, a waiter gets a new one from poll() and goes on.
// Between a cache miss and join() another flight may have landed: a leader looks in the cache once more
// before it works, and puts its answer in the cache before it finishes.
//
// Bounds: flights, waiters per flight, pieces per flight. Past the first two join() fails with
// resource_exhausted: the caller then works for itself alone, or sheds load.
// Thread-safe, but for one Waiter or one Producer: those belong to one thread at a time. Callbacks run
// on the thread whose call caused them, with no lock held: they must not block, and may call back in.
// A callback may still run while, or just after, its Waiter is destroyed on another thread: let it hold
// what it needs weakly.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cache/flight.h"
#include "cache/query_key.h"

namespace sovereign::cache {

struct SingleFlightConfig {
  std::size_t max_flights = 4096;
  std::size_t max_waiters = 1024;    // per flight, its leader's included
  std::size_t max_pieces = 131'072;  // per flight; at least the longest answer in tokens
};

template <class Piece, class Outcome>
class SingleFlight {
  struct Table;
  struct Cell;

 public:
  using Callback = std::function<void()>;

  enum class Appended {
    wanted,     // go on
    abandoned,  // nobody waits any more: stop
    full,       // max_pieces: the piece was not taken; finish now
  };

  // The duty to produce. Move-only; destroyed unfinished, it passes to a waiter.
  class Producer {
   public:
    Producer(Producer&&) noexcept = default;
    Producer& operator=(Producer&& other) noexcept {
      if (this != &other) {
        leave();
        cell_ = std::move(other.cell_);
      }
      return *this;
    }
    ~Producer() { leave(); }

    // `callback` runs once when the last waiter leaves; at once when it has left already.
    void on_abandoned(Callback callback) { cell_->set_on_abandoned(std::move(callback)); }
    // What earlier producers of this flight made; a new one goes on from here.
    std::vector<Piece> produced_so_far() const {
      std::lock_guard lock(cell_->mutex);
      return cell_->flight.pieces();
    }
    Appended append(Piece piece) { return cell_->append(std::move(piece)); }
    // Ends the flight. The Producer is spent.
    void finish(Outcome outcome) { std::exchange(cell_, nullptr)->finish(std::move(outcome)); }

   private:
    friend SingleFlight;
    explicit Producer(std::shared_ptr<Cell> cell) : cell_(std::move(cell)) {}
    void leave() {
      if (cell_) std::exchange(cell_, nullptr)->hand_over();
    }
    std::shared_ptr<Cell> cell_;
  };

  struct Update {
    std::vector<Piece> pieces;         // not given before
    std::optional<Outcome> outcome;    // when set, all pieces have been given
    std::optional<Producer> producer;  // when set, this client must do the work now
  };

  // A client's place in a flight. Move-only; destroyed when the client leaves or has its answer.
  class Waiter {
   public:
    Waiter(Waiter&&) noexcept = default;
    Waiter& operator=(Waiter&& other) noexcept {
      if (this != &other) {
        leave();
        cell_ = std::move(other.cell_);
        id_ = other.id_;
      }
      return *this;
    }
    ~Waiter() { leave(); }

    Update poll() { return cell_->poll(id_, cell_); }

   private:
    friend SingleFlight;
    Waiter(std::shared_ptr<Cell> cell, WaiterId id) : cell_(std::move(cell)), id_(id) {}
    void leave() {
      if (cell_) std::exchange(cell_, nullptr)->detach(id_);
    }
    std::shared_ptr<Cell> cell_;
    WaiterId id_;
  };

  struct Joined {
    Waiter waiter;
    std::optional<Producer> producer;  // set for the leader
  };

  explicit SingleFlight(SingleFlightConfig config = {}) : table_(std::make_shared<Table>(config)) {}

  // `wake` runs whenever poll() has something new, at most once between two polls.
  result<Joined> join(const QueryKey& key, Callback wake);

  // Keys being worked on now.
  std::size_t flights() const {
    std::lock_guard lock(table_->mutex);
    return table_->cells.size();
  }

 private:
  using Wakes = std::vector<std::shared_ptr<const Callback>>;

  static void call(const Wakes& wakes) {
    for (const auto& wake : wakes) (*wake)();
  }

  std::shared_ptr<Table> table_;
};

}  // namespace sovereign::cache

#include "cache/single_flight_impl.h"
