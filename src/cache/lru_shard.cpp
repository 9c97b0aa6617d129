#include "cache/lru_shard.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <memory>
#include <utility>

namespace sovereign::cache {

namespace {

std::size_t buckets_for(std::uint32_t max_entries) {
  return std::max<std::size_t>(2, std::bit_ceil(std::size_t{max_entries} * 2));
}

}  // namespace

std::size_t LruShard::memory_for(std::uint32_t max_entries) {
  const std::size_t bytes = buckets_for(max_entries) * sizeof(Bucket) + max_entries * sizeof(Node);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

LruShard::LruShard(std::uint32_t max_entries, std::size_t max_bytes, std::span<std::byte> memory)
    : max_bytes_(max_bytes) {
  assert(max_entries >= 1 && max_entries <= (1u << 30) && memory.size() >= memory_for(max_entries));
  used_.fill(kNone);
  buckets_ = {reinterpret_cast<Bucket*>(memory.data()), buckets_for(max_entries)};
  std::uninitialized_default_construct(buckets_.begin(), buckets_.end());
  nodes_ = {reinterpret_cast<Node*>(memory.data() + buckets_.size_bytes()), max_entries};
  std::uninitialized_default_construct(nodes_.begin(), nodes_.end());
  bucket_mask_ = buckets_.size() - 1;
  tag_shift_ = 32u - static_cast<unsigned>(std::countr_zero(buckets_.size()));
  for (Slot slot = 0; slot < max_entries; ++slot) {
    nodes_[slot].older = slot + 1 < max_entries ? slot + 1 : kNone;
  }
  free_ = 0;
}

LruShard::~LruShard() { std::destroy(nodes_.begin(), nodes_.end()); }

std::size_t LruShard::find(const Hash128& hash, std::uint32_t tag) const {
  for (std::size_t at = home(tag);; at = (at + 1) & bucket_mask_) {
    const Bucket& bucket = buckets_[at];
    if (bucket.slot == kNone) return buckets_.size();
    if (bucket.tag != tag) continue;
    if (bucket.entry->hash() == hash) return at;
  }
}

std::size_t LruShard::bucket_of(Slot slot) const {
  std::size_t at = home(nodes_[slot].tag);
  while (buckets_[at].slot != slot) at = (at + 1) & bucket_mask_;
  return at;
}

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

EntryPtr LruShard::remove(std::size_t bucket) {
  settle();
  const Slot slot = buckets_[bucket].slot;
  // Shift back whatever the gap would cut off from its home.
  std::size_t gap = bucket;
  for (std::size_t at = (gap + 1) & bucket_mask_; buckets_[at].slot != kNone; at = (at + 1) & bucket_mask_) {
    const std::size_t probe_length = (at - home(buckets_[at].tag)) & bucket_mask_;
    if (probe_length < ((at - gap) & bucket_mask_)) continue;
    buckets_[gap] = buckets_[at];
    gap = at;
  }
  buckets_[gap].slot = kNone;

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
  const std::size_t bucket = find(key.hash(), tag);
  if (bucket == buckets_.size()) return nullptr;
  // Not by way of the node, which would be waited for.
  const Entry* const entry = buckets_[bucket].entry;
  if (entry->expired(now)) {
    ++expirations_;
    expired = remove(bucket);
    return nullptr;
  }
  if (!key.matches(entry->encoding())) return nullptr;
  use(buckets_[bucket].slot);
  return EntryPtr(entry);
}

EntryPtr LruShard::peek(const Hash128& hash, std::uint32_t tag, WallTime now) const {
  const std::size_t bucket = find(hash, tag);
  if (bucket == buckets_.size()) return nullptr;
  const Entry* const entry = buckets_[bucket].entry;
  return entry->expired(now) ? nullptr : EntryPtr(entry);
}

bool LruShard::pop_oldest(Victims& victims) {
  settle();
  if (oldest_ == kNone) return false;
  victims.add(remove(bucket_of(oldest_)));
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
  assert(find(entry->hash(), tag) == buckets_.size());
  settle();
  const Slot slot = free_;
  Node& node = nodes_[slot];
  free_ = node.older;
  bytes_ += entry->footprint();
  ++entries_;
  node.entry = std::move(entry);
  node.tag = tag;
  std::size_t at = home(tag);
  while (buckets_[at].slot != kNone) at = (at + 1) & bucket_mask_;
  buckets_[at] = {node.entry.get(), slot, tag};
  link_newest(slot);
}

bool LruShard::erase(const Hash128& hash, std::uint32_t tag, Victims& victims) {
  const std::size_t bucket = find(hash, tag);
  if (bucket == buckets_.size()) return false;
  victims.add(remove(bucket));
  return true;
}

// What is read here came with the calls before this one, so that nothing waits: a victim's node one call
// before its bucket and its entry (whose memory the next entry is likely to get), and those two calls before
// they go.
void LruShard::prefetch_victims() const {
  if (evictions_ == 0 || oldest_ == kNone) return;
  const Slot next = nodes_[oldest_].newer;
  if (next == kNone || nodes_[next].newer == kNone) return;
  const Node& victim = nodes_[nodes_[next].newer];
  __builtin_prefetch(&buckets_[home(victim.tag)], 1);
  // Into the second level: until then the puts of all other shards come, too much for the first.
  constexpr int kSecondLevel = 2;
  constexpr std::size_t kLines = 5;
  const char* const entry = reinterpret_cast<const char*>(victim.entry.get());
  for (std::size_t line = 0; line < kLines; ++line) __builtin_prefetch(entry + 64 * line, 0, kSecondLevel);
  if (victim.newer != kNone) __builtin_prefetch(&nodes_[victim.newer], 1);
}

}  // namespace sovereign::cache
