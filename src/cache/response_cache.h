// The response cache: memory first, then slower levels in order; what is found below rises.
//
// Every answer is put in all levels. A level that fails is skipped (level.h): the cache then holds less
// and is never wrong. Time is an argument; an answer ends when its time to live is over, everywhere.
// Thread-safe. find_in_memory() never blocks and allocates nothing; find() may wait for a slower level:
// not on an event loop.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/level.h"
#include "cache/lru.h"

namespace sovereign::cache {

struct ResponseCacheConfig {
  LruConfig memory;
  std::optional<WallDuration> time_to_live;  // of answers put without one of their own; none: no end
};

struct CacheHit {
  EntryPtr entry;          // never null
  std::string_view level;  // "memory", or the level's name
  WallDuration age{};
};

struct ResponseCacheStats {
  LruStats memory;
  struct Level {
    std::string_view name;
    LevelStats stats;
  };
  std::vector<Level> levels;
};

class ResponseCache {
 public:
  // `levels`: fastest first; may be empty.
  explicit ResponseCache(const ResponseCacheConfig& config,
                         std::vector<std::unique_ptr<CacheLevel>> levels = {});

  // Whether there is anything below memory.
  bool has_levels() const { return !levels_.empty(); }
  std::optional<CacheHit> find_in_memory(const QueryKey& key, WallTime now);
  // The levels below memory; call it after find_in_memory() missed.
  std::optional<CacheHit> find_below(const QueryKey& key, WallTime now);
  // Both.
  std::optional<CacheHit> find(const QueryKey& key, WallTime now);

  // `time_to_live` overrides the configured one. The entry comes back, whether levels took it or not.
  EntryPtr put(const QueryKey& key, std::string_view value, WallTime now,
               std::optional<WallDuration> time_to_live = std::nullopt);
  // For administration: finds by hash alone, moves and counts nothing in memory.
  std::optional<CacheHit> peek(const Hash128& hash, WallTime now);
  void erase(const Hash128& hash);
  // Empties every level; the first level's error, if any, after all were tried.
  result<void> clear();
  // Waits until every level has stored what it accepted.
  result<void> flush();

  ResponseCacheStats stats() const;

 private:
  // What is found below rises later than it was read: meanwhile it may have been erased, or replaced. So an
  // answer is changed from the slowest level up, and counted, by a part of the hash, after each: who read it
  // before that sees the count move and takes back what it raised, or raised it before the level above had
  // its turn. A count shared by several answers costs a rise now and then.
  static constexpr std::size_t kCounts = 64;
  std::atomic<std::uint64_t>& changes_of(const Hash128& hash) { return changes_[hash.high % kCounts]; }
  void raise(const EntryPtr& entry, std::size_t from_level, std::uint64_t changes_before);

  std::array<std::atomic<std::uint64_t>, kCounts> changes_{};
  Lru memory_;
  std::optional<WallDuration> time_to_live_;
  std::vector<std::unique_ptr<CacheLevel>> levels_;
};

}  // namespace sovereign::cache
