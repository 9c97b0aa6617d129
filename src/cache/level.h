// A level of the cache below memory: this machine's disk, or a store shared by several nodes.
//
// A level may be slow, fail or lose entries, and must never be wrong: get() returns exactly what was
// put for that key and stamp, or nothing. Failures are the level's own business (it logs and counts
// them, and comes back when it can); to its user a failing level is an empty one.
// All calls are thread-safe. get(), peek(), clear() and flush() may block, for as long as the level's
// own limits allow: call them from a worker thread, not from an event loop. put() and erase() queue.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cache/entry.h"

namespace sovereign::cache {

struct LevelStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t writes = 0;     // entries stored
  std::uint64_t refusals = 0;   // puts dropped: queue full, too large, or the level is down
  std::uint64_t evictions = 0;  // for room
  std::uint64_t corrupt = 0;    // records found damaged, and dropped
  std::uint64_t errors = 0;     // operations that failed
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pending = 0;  // operations accepted and not stored yet
  bool healthy = false;
};

class CacheLevel {
 public:
  virtual ~CacheLevel() = default;

  // Short and stable, for metrics and for the response: "disk", "redis".
  virtual std::string_view name() const = 0;

  virtual EntryPtr get(const QueryKey& key, WallTime now) = 0;
  // By hash alone, for people who look.
  virtual EntryPtr peek(const Hash128& hash, WallTime now) = 0;
  // True: accepted, and seen by every get() from now on.
  virtual bool put(EntryPtr entry) = 0;
  virtual void erase(const Hash128& hash) = 0;
  // Everything put before is gone, durably, when it returns without an error.
  virtual result<void> clear() = 0;
  // Everything accepted before is stored when it returns without an error.
  virtual result<void> flush() = 0;

  virtual LevelStats stats() const = 0;
};

}  // namespace sovereign::cache
