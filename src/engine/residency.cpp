#include "engine/residency.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace sovereign::engine {

void Residency::add(Model model, std::uint64_t bytes) {
  assert(!models_.contains(model));
  models_[model].bytes = bytes;
}

void Residency::retire(Model model, std::vector<Ticket>& orphans) {
  take_waiting(model, orphans);
  Entry& entry = models_.at(model);
  entry.retired = true;
  if (entry.state == State::cold) models_.erase(model);
}

bool Residency::fits_alone(const Entry& entry) const {
  if (config_.budget_bytes == 0) return true;
  return pinned_bytes_ <= config_.budget_bytes && entry.bytes <= config_.budget_bytes - pinned_bytes_;
}

std::uint64_t Residency::bytes_in_use() const {
  std::uint64_t bytes = pinned_bytes_;
  for (const auto& [model, entry] : models_) {
    if (entry.state != State::cold) bytes += entry.bytes;
  }
  return bytes;
}

std::uint64_t Residency::room() const {
  if (config_.budget_bytes == 0) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t used = bytes_in_use();
  return used >= config_.budget_bytes ? 0 : config_.budget_bytes - used;
}

Residency::Verdict Residency::enter(Model model, Ticket ticket, Time deadline, Time now) {
  Entry& entry = models_.at(model);
  assert(!entry.retired);
  if (entry.state == State::loaded && !entry.yields) {
    ++entry.users;
    entry.last_used = now;
    return Verdict::admitted;
  }
  if (!fits_alone(entry)) return Verdict::too_large;
  if (failed_lately(model, now)) return Verdict::failed_lately;
  entry.failed_at.reset();
  waiting_.push_back({ticket, model, now, deadline});
  return Verdict::waits;
}

void Residency::leave(Model model, Time now) {
  Entry& entry = models_.at(model);
  assert(entry.users > 0);
  --entry.users;
  entry.last_used = now;
}

bool Residency::withdraw(Ticket ticket) {
  return std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.ticket == ticket; }) > 0;
}

void Residency::take_waiting(Model model, std::vector<Ticket>& out) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.model != model) return false;
    out.push_back(waiting.ticket);
    return true;
  });
}

std::vector<Residency::Model> Residency::by_last_use() const {
  std::vector<Model> order;
  for (const auto& [model, entry] : models_) {
    if (entry.state == State::loaded) order.push_back(model);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](Model a, Model b) { return models_.at(a).last_used < models_.at(b).last_used; });
  return order;
}

Residency::Step Residency::next(Time now) {
  Step step;
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (now < waiting.deadline) return false;
    step.expired.push_back(waiting.ticket);
    return true;
  });
  // Nobody yields to one that is no longer there.
  for (auto& [model, entry] : models_) entry.yields = false;
  plan(now, step);
  for (auto& [model, entry] : models_) {
    if (entry.state != State::loaded || entry.yields) continue;
    const auto before = step.admitted.size();
    take_waiting(model, step.admitted);
    entry.users += static_cast<std::uint32_t>(step.admitted.size() - before);
    if (step.admitted.size() > before) entry.last_used = now;
  }
  return step;
}

void Residency::plan(Time now, Step& step) {
  const auto busy = [](const auto& pair) {
    return pair.second.state == State::loading || pair.second.state == State::unloading;
  };
  const bool at_work = std::any_of(models_.begin(), models_.end(), busy);
  if (!at_work) {
    for (auto& [model, entry] : models_) {
      if (!entry.retired || entry.state != State::loaded || entry.users > 0) continue;
      entry.state = State::unloading;
      step.unload = model;
      return;
    }
  }
  const auto head = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
    return models_.at(waiting.model).state == State::cold;
  });
  if (head == waiting_.end()) return;
  Entry& wanted = models_.at(head->model);
  if (wanted.bytes <= room()) {
    if (at_work) return;
    wanted.state = State::loading;
    step.load = head->model;
    return;
  }
  // The least recently used ones that make room together; those with users only when the turn has come. One
  // that was loaded for somebody who came earlier, and is about to be admitted, has its turn first.
  auto order = by_last_use();
  std::erase_if(order, [&](Model model) {
    return std::any_of(waiting_.begin(), head,
                       [&](const Waiting& waiting) { return waiting.model == model; });
  });
  std::uint64_t idle_bytes = room();
  for (const Model model : order) {
    const Entry& entry = models_.at(model);
    if (entry.users == 0) idle_bytes += entry.bytes;
  }
  if (idle_bytes >= wanted.bytes) {
    if (at_work) return;
    const auto victim =
        std::find_if(order.begin(), order.end(), [&](Model model) { return models_.at(model).users == 0; });
    models_.at(*victim).state = State::unloading;
    step.unload = *victim;
    return;
  }
  if (now < head->since + config_.turn) return;
  std::uint64_t freed = room();
  for (const Model model : order) {
    if (freed >= wanted.bytes) break;
    models_.at(model).yields = true;
    freed += models_.at(model).bytes;
  }
}

std::optional<Time> Residency::wake_at(Time now) const {
  std::optional<Time> soonest;
  const auto at = [&](Time time) {
    if (!soonest || time < *soonest) soonest = time;
  };
  for (const Waiting& waiting : waiting_) {
    at(waiting.deadline);
    if (waiting.since + config_.turn > now) at(waiting.since + config_.turn);
  }
  return soonest;
}

void Residency::loaded(Model model, Time now) {
  Entry& entry = models_.at(model);
  assert(entry.state == State::loading);
  entry.state = State::loaded;
  entry.last_used = now;
}

void Residency::failed(Model model, Time now, std::vector<Ticket>& orphans) {
  Entry& entry = models_.at(model);
  assert(entry.state == State::loading);
  take_waiting(model, orphans);
  entry.state = State::cold;
  entry.failed_at = now;
  if (entry.retired) models_.erase(model);
}

void Residency::unloaded(Model model) {
  Entry& entry = models_.at(model);
  assert(entry.state == State::unloading && entry.users == 0);
  entry.state = State::cold;
  if (entry.retired) models_.erase(model);
}

Residency::State Residency::state(Model model) const {
  const auto found = models_.find(model);
  return found == models_.end() ? State::cold : found->second.state;
}

bool Residency::failed_lately(Model model, Time now) const {
  const auto found = models_.find(model);
  if (found == models_.end() || !found->second.failed_at) return false;
  return now < *found->second.failed_at + config_.after_failure;
}

std::uint32_t Residency::users(Model model) const {
  const auto found = models_.find(model);
  return found == models_.end() ? 0 : found->second.users;
}

}  // namespace sovereign::engine
