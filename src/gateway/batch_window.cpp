#include "gateway/batch_window.h"

#include <algorithm>

namespace sovereign::gateway {

BatchWindow::Batch BatchWindow::release() {
  Batch batch;
  batch.reserve(waiting_.size());
  for (const Waiting& request : waiting_) batch.push_back(request.ticket);
  waiting_.clear();
  return batch;
}

BatchWindow::Batch BatchWindow::add(Ticket ticket, Time now, Duration patience) {
  waiting_.push_back({ticket, now + std::min(config_.max_wait, patience)});
  const bool is_full = waiting_.size() >= config_.max_batch_size;
  const bool is_due = now >= *deadline();
  return is_full || is_due ? release() : Batch{};
}

BatchWindow::Batch BatchWindow::due(Time now) {
  return !waiting_.empty() && now >= *deadline() ? release() : Batch{};
}

bool BatchWindow::withdraw(Ticket ticket) {
  const auto place = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const Waiting& request) { return request.ticket == ticket; });
  if (place == waiting_.end()) return false;
  waiting_.erase(place);
  return true;
}

std::optional<Time> BatchWindow::deadline() const {
  if (waiting_.empty()) return std::nullopt;
  const auto sooner = [](const Waiting& a, const Waiting& b) { return a.leaves_by < b.leaves_by; };
  return std::min_element(waiting_.begin(), waiting_.end(), sooner)->leaves_by;
}

}  // namespace sovereign::gateway
