// One shard of the memory cache: least recently used out first, bounded by entries and by bytes.
//
// All memory of the structure is given at construction: a slab of nodes, linked by index into the order
// of use, and an index of their hashes (lru_index.h). Every operation is O(1); none but the constructor
// allocates. A hit's move to the front waits until its node and neighbours, cold memory as a rule, have been
// loaded: eight hits later, or until the order counts. What is evicted is what exact LRU evicts. At most one
// entry per hash: a put with the same hash replaces, also when the encodings differ, so colliding queries can
// neither grow a probe chain nor see each other's answers. Not thread-safe: Lru owns the locks. Entries that
// leave go to the caller, who drops them unlocked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "cache/entry.h"
#include "cache/lru_index.h"

namespace sovereign::cache {

// Entries taken out of a shard, to be destroyed without its lock. A full one stops eviction for the
// moment; the caller empties it and goes on.
class Victims {
 public:
  static constexpr std::size_t kCapacity = 16;

  Victims() = default;
  Victims(const Victims&) = delete;
  Victims& operator=(const Victims&) = delete;
  ~Victims() { clear(); }

  bool full() const { return size_ == kCapacity; }
  std::size_t size() const { return size_; }
  void add(EntryPtr entry) { entries_[size_++] = entry.detach(); }
  void clear() {
    while (size_ > 0) intrusive_ptr_release(entries_[--size_]);
  }

 private:
  // Not EntryPtr: every hit makes one of these, and as a rule nothing gets into it.
  std::array<const Entry*, kCapacity> entries_;
  std::size_t size_ = 0;
};

class LruShard {
 public:
  static constexpr std::size_t kAlignment = 64;
  // Bytes of memory for so many entries; a multiple of kAlignment.
  static std::size_t memory_for(std::uint32_t max_entries);

  // At least one entry and at most 2^30. `memory`: memory_for(max_entries) bytes, aligned to kAlignment, that
  // outlive the shard.
  LruShard(std::uint32_t max_entries, std::size_t max_bytes, std::span<std::byte> memory);

  LruShard(LruShard&&) = delete;
  ~LruShard();

  // `tag` is the entry's placement: 32 bits derived from its hash, the same at every call.
  // Moves what it finds to the front. An expired entry is removed into `expired`.
  EntryPtr get(const QueryKey& key, std::uint32_t tag, WallTime now, EntryPtr& expired);
  // Finds by hash alone and moves nothing.
  EntryPtr peek(const Hash128& hash, std::uint32_t tag, WallTime now) const;
  // Whether an entry of this size can be held at all.
  bool fits(std::size_t footprint) const { return footprint <= max_bytes_; }
  // Evicts until an entry of this size has room. False: `victims` is full and there is more to evict.
  bool make_room(std::size_t footprint, Victims& victims);
  // Begins to load what a put with this tag will touch.
  void prefetch(std::uint32_t tag) const { index_.prefetch(tag); }
  // Begins to load what the evictions of the puts to come will touch. Before each put.
  void prefetch_victims() const;
  // Needs room, and that no entry of this hash is here.
  void put(EntryPtr entry, std::uint32_t tag);
  // Needs room in `victims`.
  bool erase(const Hash128& hash, std::uint32_t tag, Victims& victims);
  // Removes the oldest. False: nothing is left. Needs room in `victims`.
  bool pop_oldest(Victims& victims);

  std::size_t entries() const { return entries_; }
  std::size_t bytes() const { return bytes_; }
  // Entries that left for room, and those that a get found expired.
  std::uint64_t evictions() const { return evictions_; }
  std::uint64_t expirations() const { return expirations_; }

 private:
  using Slot = LruIndex::Slot;
  static constexpr Slot kNone = ~Slot{0};

  struct Node {
    EntryPtr entry;
    Slot newer = kNone;
    Slot older = kNone;  // also links the free nodes
    std::uint32_t tag = 0;
  };
  void link_newest(Slot slot);
  void unlink(Slot slot);
  // Moves a slot to the front, soon: its memory is loaded meanwhile.
  void use(Slot slot);
  // Does all moves that are due, in the order of the hits. Before the order is read or a slot is freed.
  void settle();
  void move_to_front(Slot slot);
  EntryPtr remove(Slot slot);

  LruIndex index_;
  std::span<Node> nodes_;
  // Used slots that were not moved yet: a ring, the oldest at next_used_.
  static constexpr std::size_t kUsed = 8;
  std::array<Slot, kUsed> used_;
  std::size_t next_used_ = 0;
  Slot free_ = kNone;
  Slot newest_ = kNone;
  Slot oldest_ = kNone;
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
  std::size_t max_bytes_;
  std::uint64_t evictions_ = 0;
  std::uint64_t expirations_ = 0;
};

}  // namespace sovereign::cache
