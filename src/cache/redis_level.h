// The cache's level that several nodes share: answers in a Redis server, which may be slow, full or dead.
//
//   key     sovereign:<stamp, 32 hex digits>:<hash, 32 hex digits>
//   value   a record (record.h), with its own checksum; PX as long as the answer lives
//
// A query waits for one GET, at most `timeout` from its first byte to the answer's last; never for a
// connection: those are made by one thread of this level, and who finds all of them in use has a miss. The
// first operation that fails or is late closes the connections, and until they are made anew, `retry_min`
// later (doubling up to `retry_max` while it goes on), every get() is a miss at once: a dead server costs a
// query a timeout per turn, as many queries as there are connections at most. So does a server that answers
// in time, but on average in more than half of it: after eight answers it is passed over likewise. put() and
// erase() go into a bounded queue and are sent by that thread; what cannot be sent waits there, and past the
// bound new answers are refused. An answer that a full server refuses is lost, with the one that it was to
// replace; an erasure that is refused is sent again until it is taken, and the server is passed over so long.
// What Redis evicts, or loses when it dies, is a miss. Thread-safe.
#pragma once

#include <chrono>
#include <memory>

#include "base/result.h"
#include "cache/level.h"
#include "cache/record.h"
#include "cache/redis_url.h"

namespace sovereign::cache {

struct RedisLevelConfig {
  RedisAddress address;
  std::chrono::milliseconds timeout{50};  // of one answer of the server
  std::chrono::milliseconds retry_min{1000};
  std::chrono::milliseconds retry_max{30'000};
  std::size_t max_queue_bytes = 16 * 1024 * 1024;
};

class RedisLevel final : public CacheLevel {
 public:
  // Connects in the background.
  RedisLevel(RedisLevelConfig config, const Stamp& stamp);
  // Sends what was accepted (one attempt), then stops.
  ~RedisLevel() override;

  std::string_view name() const override { return "redis"; }
  EntryPtr get(const QueryKey& key, WallTime now) override;
  EntryPtr peek(const Hash128& hash, WallTime now) override;
  bool put(EntryPtr entry) override;
  void erase(const Hash128& hash) override;
  // Of this stamp: other versions' answers stay.
  result<void> clear() override;
  result<void> flush() override;
  // Entries and bytes are the server's business, and 0 here.
  LevelStats stats() const override;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace sovereign::cache
