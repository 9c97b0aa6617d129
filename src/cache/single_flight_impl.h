// The parts of SingleFlight: the table of flights, and a flight with its lock and callbacks.
// Included by single_flight.h only. Locks are taken in the order table, cell.
#pragma once

#include "cache/single_flight.h"

namespace sovereign::cache {

template <class Piece, class Outcome>
struct SingleFlight<Piece, Outcome>::Cell {
  Cell(std::shared_ptr<Table> owner, const QueryKey& key)
      : table(std::move(owner)), hash(key.hash()), encoding(key.encoding()) {}

  Appended append(Piece piece) {
    Wakes wakes;
    {
      std::lock_guard lock(mutex);
      if (flight.waiters() == 0) return Appended::abandoned;
      if (flight.pieces().size() >= table->config.max_pieces) return Appended::full;
      std::vector<WaiterId> ids;
      flight.append(std::move(piece), ids);
      wakes = callbacks_of(ids);
    }
    call(wakes);
    return Appended::wanted;
  }

  void finish(Outcome outcome) {
    Wakes wakes;
    Callback dropped;
    {
      std::lock_guard table_lock(table->mutex);
      std::lock_guard lock(mutex);
      table->remove(*this);
      std::vector<WaiterId> ids;
      flight.finish(std::move(outcome), ids);
      wakes = callbacks_of(ids);
      dropped = std::exchange(on_abandoned, nullptr);
    }
    call(wakes);
  }

  void hand_over() {
    Wakes wakes;
    Callback dropped;
    {
      std::lock_guard table_lock(table->mutex);
      std::lock_guard lock(mutex);
      std::vector<WaiterId> ids;
      flight.hand_over(ids);
      wakes = callbacks_of(ids);
      dropped = std::exchange(on_abandoned, nullptr);
      if (flight.waiters() == 0) table->remove(*this);
    }
    call(wakes);
  }

  Update poll(WaiterId id, const std::shared_ptr<Cell>& self) {
    std::lock_guard lock(mutex);
    auto news = flight.poll(id);
    Update update{std::move(news.pieces), std::move(news.outcome), std::nullopt};
    if (news.lead) update.producer = Producer(self);
    return update;
  }

  void detach(WaiterId id) {
    Wakes wakes;
    Callback abandoned;
    std::shared_ptr<const Callback> dropped;
    {
      std::lock_guard table_lock(table->mutex);
      std::lock_guard lock(mutex);
      std::vector<WaiterId> ids;
      flight.detach(id, ids);
      wakes = callbacks_of(ids);
      const auto wake = waker.find(id);
      dropped = std::move(wake->second);
      waker.erase(wake);
      if (flight.waiters() == 0 && !flight.done()) {
        table->remove(*this);
        abandoned = std::exchange(on_abandoned, nullptr);
      }
    }
    call(wakes);
    if (abandoned) abandoned();
  }

  void set_on_abandoned(Callback callback) {
    {
      std::lock_guard lock(mutex);
      if (flight.waiters() > 0) {
        std::swap(on_abandoned, callback);
        return;
      }
    }
    if (callback) callback();
  }

  Wakes callbacks_of(const std::vector<WaiterId>& ids) const {
    Wakes wakes;
    wakes.reserve(ids.size());
    for (const WaiterId id : ids) wakes.push_back(waker.at(id));
    return wakes;
  }

  const std::shared_ptr<Table> table;
  const Hash128 hash;
  const std::string encoding;

  mutable std::mutex mutex;
  Flight<Piece, Outcome> flight;
  std::map<WaiterId, std::shared_ptr<const Callback>> waker;
  Callback on_abandoned;
  bool listed = true;  // under the table's lock
};

template <class Piece, class Outcome>
struct SingleFlight<Piece, Outcome>::Table {
  using CellPtr = std::shared_ptr<Cell>;
  struct HashOf {
    using is_transparent = void;
    std::size_t operator()(const CellPtr& cell) const { return cell->hash.low; }
    std::size_t operator()(const QueryKey& key) const { return key.hash().low; }
  };
  struct SameKey {
    using is_transparent = void;
    bool operator()(const CellPtr& a, const CellPtr& b) const { return a->encoding == b->encoding; }
    bool operator()(const QueryKey& key, const CellPtr& cell) const { return key.matches(cell->encoding); }
    bool operator()(const CellPtr& cell, const QueryKey& key) const { return key.matches(cell->encoding); }
  };

  explicit Table(SingleFlightConfig limits) : config(limits) {}

  // A flight that ended is joined no more; its waiters keep it alive.
  void remove(Cell& cell) {
    if (!std::exchange(cell.listed, false)) return;
    cells.erase(cells.find(QueryKey(cell.hash, cell.encoding)));
  }

  const SingleFlightConfig config;
  std::mutex mutex;
  std::unordered_set<CellPtr, HashOf, SameKey> cells;
};

template <class Piece, class Outcome>
auto SingleFlight<Piece, Outcome>::join(const QueryKey& key, Callback wake) -> result<Joined> {
  auto waker = std::make_shared<const Callback>(std::move(wake));
  std::lock_guard table_lock(table_->mutex);
  auto found = table_->cells.find(key);
  const bool leads = found == table_->cells.end();
  if (leads) {
    if (table_->cells.size() >= table_->config.max_flights) {
      return fail(ErrorCode::resource_exhausted, "Too many different queries are being answered at once.");
    }
    found = table_->cells.insert(std::make_shared<Cell>(table_, key)).first;
  }
  const std::shared_ptr<Cell>& cell = *found;
  std::lock_guard lock(cell->mutex);
  if (cell->flight.waiters() >= table_->config.max_waiters) {
    return fail(ErrorCode::resource_exhausted, "Too many clients wait for the same query.");
  }
  const WaiterId id = cell->flight.attach();
  cell->waker.emplace(id, std::move(waker));
  Joined joined{Waiter(cell, id), std::nullopt};
  if (leads) joined.producer = Producer(cell);
  return joined;
}

}  // namespace sovereign::cache
