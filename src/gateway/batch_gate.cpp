#include "gateway/batch_gate.h"

#include <algorithm>

namespace sovereign::gateway {

bool BatchGate::join_queued(const Waiter& waiter) {
  const auto call = std::find_if(queue_.begin(), queue_.end(), [&](const Call& queued) {
    return queued.key == waiter.key && queued.tickets.size() < config_.window.max_batch_size;
  });
  if (call == queue_.end()) return false;
  call->tickets.push_back(waiter.ticket);
  return true;
}

void BatchGate::take_leave(Moves& moves) {
  while (!queue_.empty() && (config_.max_calls == 0 || running_ < config_.max_calls)) {
    ++running_;
    moves.calls.push_back(std::move(queue_.front().tickets));
    queue_.pop_front();
    for (const Ticket ticket : moves.calls.back()) {
      const auto place = waiting_.find(ticket);
      expiries_.erase({place->second.expires, ticket});
      waiting_.erase(place);
    }
  }
}

BatchGate::Moves BatchGate::add(const Waiter& waiter, Time now) {
  Moves moves;
  waiting_.emplace(waiter.ticket, Place{waiter.key, waiter.expires});
  if (waiter.expires != Time::max()) expiries_.emplace(waiter.expires, waiter.ticket);
  const bool opens_window = !windows_.contains(waiter.key);
  if (waiter.key.empty() || (opens_window && windows_.size() >= config_.max_windows)) {
    queue_.push_back({waiter.key, {waiter.ticket}});
  } else if (!opens_window || !join_queued(waiter)) {
    const auto window = windows_.try_emplace(waiter.key, config_.window).first;
    auto batch = window->second.add(waiter.ticket, now, waiter.patience);
    if (!batch.empty()) {
      queue_.push_back({waiter.key, std::move(batch)});
      windows_.erase(window);
    }
  }
  take_leave(moves);
  return moves;
}

BatchGate::Moves BatchGate::due(Time now) {
  Moves moves;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const Ticket ticket = expiries_.begin()->second;
    withdraw(ticket);
    moves.expired.push_back(ticket);
  }
  for (auto window = windows_.begin(); window != windows_.end();) {
    auto batch = window->second.due(now);
    if (batch.empty()) {
      ++window;
      continue;
    }
    queue_.push_back({window->first, std::move(batch)});
    window = windows_.erase(window);
  }
  take_leave(moves);
  return moves;
}

BatchGate::Moves BatchGate::ended() {
  Moves moves;
  --running_;
  take_leave(moves);
  return moves;
}

bool BatchGate::withdraw(Ticket ticket) {
  const auto place = waiting_.find(ticket);
  if (place == waiting_.end()) return false;
  const auto window = windows_.find(place->second.key);
  if (window != windows_.end() && window->second.withdraw(ticket)) {
    if (window->second.waiting() == 0) windows_.erase(window);
  } else {
    for (auto call = queue_.begin(); call != queue_.end(); ++call) {
      if (std::erase(call->tickets, ticket) == 0) continue;
      if (call->tickets.empty()) queue_.erase(call);
      break;
    }
  }
  expiries_.erase({place->second.expires, ticket});
  waiting_.erase(place);
  return true;
}

std::optional<Time> BatchGate::deadline() const {
  std::optional<Time> soonest;
  if (!expiries_.empty()) soonest = expiries_.begin()->first;
  for (const auto& [key, window] : windows_) {
    const auto at = window.deadline();
    if (at && (!soonest || *at < *soonest)) soonest = at;
  }
  return soonest;
}

}  // namespace sovereign::gateway
