#include "cache/lru_shard.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

namespace sovereign::cache {

std::size_t LruShard::memory_for(std::uint32_t max_entries) {
  const std::size_t bytes = LruIndex::memory_for(max_entries) + max_entries * sizeof(Node);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

LruShard::LruShard(std::uint32_t max_entries, std::size_t max_bytes, std::span<std::byte> memory)
    : index_(max_entries, memory.data()), max_bytes_(max_bytes) {
  assert(max_entries >= 1 && max_entries <= (1u << 30) && memory.size() >= memory_for(max_entries));
  used_.fill(kNone);
  nodes_ = {reinterpret_cast<Node*>(memory.data() + LruIndex::memory_for(max_entries)), max_entries};
  std::uninitialized_default_construct(nodes_.begin(), nodes_.end());
  for (Slot slot = 0; slot < max_entries; ++slot) {
    nodes_[slot].older = slot + 1 < max_entries ? slot + 1 : kNone;
  }
  free_ = 0;
}

LruShard::~LruShard() { std::destroy(nodes_.begin(), nodes_.end()); }

void LruShard::link_newest(Slot slot) {
  Node& node = nodes_[slot];
  node.newer = kNone;
  node.older = newest_;
  if (newest_ != kNone) nodes_[newest_].newer = slot;
  newest_ = slot;
  if (oldest_ == kNone) oldest_ = slot;
}

void LruShard::unlink(Slot slot) {
  const Node& node = nodes_[slot];
  (node.newer != kNone ? nodes_[node.newer].older : newest_) = node.older;
  (node.older != kNone ? nodes_[node.older].newer : oldest_) = node.newer;
}

void LruShard::move_to_front(Slot slot) {
  if (slot == kNone || slot == newest_) return;
  unlink(slot);
  link_newest(slot);
}

void LruShard::use(Slot slot) {
  __builtin_prefetch(&nodes_[slot], 1);
  move_to_front(std::exchange(used_[next_used_], slot));
  next_used_ = (next_used_ + 1) % kUsed;
  // Half way: the node is there, and says which neighbours the move will touch.
  const Slot half_way = used_[(next_used_ + kUsed / 2) % kUsed];
  if (half_way == kNone) return;
  const Node& node = nodes_[half_way];
  if (node.newer != kNone) __builtin_prefetch(&nodes_[node.newer], 1);
  if (node.older != kNone) __builtin_prefetch(&nodes_[node.older], 1);
}

void LruShard::settle() {
  for (std::size_t i = 0; i < kUsed; ++i) {
    move_to_front(std::exchange(used_[(next_used_ + i) % kUsed], kNone));
  }
}

EntryPtr LruShard::remove(Slot slot) {
  settle();
  index_.remove(slot, nodes_[slot].tag);
  unlink(slot);
  Node& node = nodes_[slot];
  EntryPtr entry = std::move(node.entry);
  node.older = free_;
  free_ = slot;
  --entries_;
  bytes_ -= entry->footprint();
  return entry;
}

EntryPtr LruShard::get(const QueryKey& key, std::uint32_t tag, WallTime now, EntryPtr& expired) {
  // Not by way of the node, which would be waited for.
  const auto [entry, slot] = index_.find(key.hash(), tag);
  if (entry == nullptr) return nullptr;
  if (entry->expired(now)) {
    ++expirations_;
    expired = remove(slot);
    return nullptr;
  }
  if (!key.matches(entry->encoding())) return nullptr;
  use(slot);
  return EntryPtr(entry);
}

EntryPtr LruShard::peek(const Hash128& hash, std::uint32_t tag, WallTime now) const {
  const Entry* const entry = index_.find(hash, tag).entry;
  return entry == nullptr || entry->expired(now) ? nullptr : EntryPtr(entry);
}

bool LruShard::pop_oldest(Victims& victims) {
  settle();
  if (oldest_ == kNone) return false;
  victims.add(remove(oldest_));
  return true;
}

bool LruShard::make_room(std::size_t footprint, Victims& victims) {
  assert(fits(footprint));
  while (free_ == kNone || bytes_ + footprint > max_bytes_) {
    if (victims.full()) return false;
    pop_oldest(victims);
    ++evictions_;
  }
  return true;
}

void LruShard::put(EntryPtr entry, std::uint32_t tag) {
  assert(free_ != kNone && bytes_ + entry->footprint() <= max_bytes_);
  assert(index_.find(entry->hash(), tag).entry == nullptr);
  settle();
  const Slot slot = free_;
  Node& node = nodes_[slot];
  free_ = node.older;
  bytes_ += entry->footprint();
  ++entries_;
  node.entry = std::move(entry);
  node.tag = tag;
  index_.add(node.entry.get(), slot, tag);
  link_newest(slot);
}

bool LruShard::erase(const Hash128& hash, std::uint32_t tag, Victims& victims) {
  const auto [entry, slot] = index_.find(hash, tag);
  if (entry == nullptr) return false;
  victims.add(remove(slot));
  return true;
}

// What is read here came with the call before this one, so that nothing waits: a victim's node one call
// before its line of the index and its entry (whose memory the next entry is likely to get), and those one
// call before they go.
void LruShard::prefetch_victims() const {
  if (evictions_ == 0 || oldest_ == kNone) return;
  const Slot next = nodes_[oldest_].newer;
  if (next == kNone) return;
  const Node& victim = nodes_[next];
  index_.prefetch(victim.tag);
  // With what the allocator keeps before it, which freeing reads.
  constexpr std::size_t kAllocatorBytes = 16;
  constexpr std::size_t kLines = 5;
  const char* const from = reinterpret_cast<const char*>(victim.entry.get()) - kAllocatorBytes;
  for (std::size_t line = 0; line < kLines; ++line) __builtin_prefetch(from + 64 * line);
  if (victim.newer != kNone) __builtin_prefetch(&nodes_[victim.newer], 1);
}

}  // namespace sovereign::cache
