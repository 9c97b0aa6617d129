// The memory cache: entries by key, least recently used out first, shared by all threads.
//
// Keys are spread over shards, each with its own lock, its own share of both bounds and its own order
// of use (one shard: exact LRU; many: LRU within each). The spread is a strongly universal function of the
// hash (Dietzfelbinger 1996: a sum of products with secret 128-bit factors, of which the upper half counts),
// drawn per process: of keys chosen without knowing it, two share a shard or a line of its index by chance
// alone. What a put touches is cold memory as a rule. So a small one waits: it is carried out some puts
// later, when that has been loaded, or before the next other call to its shard, so that every call sees what
// came before it. A hit copies nothing and allocates nothing: it hands out a counted pointer to the immutable
// entry. All calls are thread-safe and O(1), over a row of them (one may do what four puts left), but clear()
// and stats(), which visit every shard.
#pragma once

#include <cstdint>
#include <memory>

#include "base/huge_pages.h"
#include "cache/entry.h"

namespace sovereign::cache {

struct LruConfig {
  // Puts that wait come on top of both: four a shard at most, and a sixteenth of the bytes.
  std::size_t max_entries = 100'000;          // at least 1
  std::size_t max_bytes = 256 * 1024 * 1024;  // keys, values and 56 bytes an entry; not the index
  // A power of two up to 4096; 0: as many, up to 64, as leave 1,024 entries and 4 MiB to each.
  // An entry larger than a shard's share of max_bytes is refused.
  std::size_t shards = 0;
  // Spreads keys; 0: random, which is what production wants.
  std::uint64_t placement_seed = 0;
};

struct LruStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t inserts = 0;
  std::uint64_t replacements = 0;
  std::uint64_t evictions = 0;    // for room; neither replaced, erased, cleared nor expired
  std::uint64_t expirations = 0;  // found expired by a get
  std::uint64_t refusals = 0;     // larger than a shard
  std::size_t entries = 0;
  std::size_t bytes = 0;
};

class Lru {
 public:
  explicit Lru(const LruConfig& config);
  ~Lru();

  // The live entry with exactly this key, or null. Makes it the newest of its shard.
  EntryPtr get(const QueryKey& key, WallTime now);
  // By hash alone, for people who look; the order of use and the statistics stay as they are.
  EntryPtr peek(const Hash128& hash, WallTime now) const;
  // Inserts or replaces. False: refused, it is larger than a shard may be.
  bool put(EntryPtr entry);
  bool erase(const Hash128& hash);
  void clear();

  LruStats stats() const;
  std::size_t shard_count() const { return shard_count_; }

 private:
  struct Shard;
  struct Place {
    Shard* shard;
    std::uint32_t tag;
  };
  Place place(const Hash128& hash) const;

  __extension__ using Wide = unsigned __int128;
  Wide factor_low_;
  Wide factor_high_;
  Wide summand_;
  std::size_t shard_count_;
  unsigned shard_shift_;
  HugePages memory_;  // of all shards
  std::unique_ptr<std::unique_ptr<Shard>[]> shards_;
};

}  // namespace sovereign::cache
