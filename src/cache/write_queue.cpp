#include "cache/write_queue.h"

#include <cassert>
#include <utility>

namespace sovereign::cache {

void WriteQueue::set(const Hash128& hash, WriteOperation operation) {
  gathering_bytes_ += cost(operation);
  const auto [at, is_new] = gathering_.try_emplace(hash);
  if (!is_new) gathering_bytes_ -= cost(at->second);
  at->second = std::move(operation);
}

bool WriteQueue::put(EntryPtr entry) {
  const Hash128 hash = entry->hash();
  WriteOperation operation{WriteOperation::Kind::put, std::move(entry)};
  if (gathering_bytes_ + writing_bytes_ + cost(operation) > max_bytes_) return false;
  set(hash, std::move(operation));
  return true;
}

bool WriteQueue::erase(const Hash128& hash) {
  if (gathering_bytes_ + writing_bytes_ + kOperationBytes > 2 * max_bytes_) return false;
  set(hash, {WriteOperation::Kind::erase, nullptr});
  return true;
}

void WriteQueue::touch(const Hash128& hash) {
  if (gathering_bytes_ + writing_bytes_ + kOperationBytes > max_bytes_) return;
  if (gathering_.contains(hash)) return;
  set(hash, {WriteOperation::Kind::touch, nullptr});
}

const WriteOperation* WriteQueue::find(const Hash128& hash) const {
  const auto find_in = [&](const WriteBatch& batch) -> const WriteOperation* {
    const auto found = batch.find(hash);
    const bool counts = found != batch.end() && found->second.kind != WriteOperation::Kind::touch;
    return counts ? &found->second : nullptr;
  };
  if (const WriteOperation* newest = find_in(gathering_)) return newest;
  return writing_is_stale_ ? nullptr : find_in(writing_);
}

const WriteBatch& WriteQueue::begin_writing() {
  assert(writing_.empty());
  std::swap(gathering_, writing_);
  writing_bytes_ = std::exchange(gathering_bytes_, 0);
  return writing_;
}

void WriteQueue::written() {
  writing_.clear();
  writing_bytes_ = 0;
  writing_is_stale_ = false;
}

void WriteQueue::restore() {
  if (writing_is_stale_) return written();
  for (auto& [hash, operation] : writing_) {
    const auto newer = gathering_.find(hash);
    if (newer == gathering_.end() || newer->second.kind == WriteOperation::Kind::touch) {
      set(hash, std::move(operation));
    }
  }
  written();
}

void WriteQueue::clear() {
  gathering_.clear();
  gathering_bytes_ = 0;
  writing_is_stale_ = !writing_.empty();
}

}  // namespace sovereign::cache
