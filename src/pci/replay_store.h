// Which nonces have been used: bounded memory, constant time, many threads.
//
// An entry is 16 bytes derived from key and nonce, with the time stamp of its envelope. Entries live in sets
// of eight; each key has two sets to choose from, so a look-up reads at most sixteen tags and the table can
// be filled to its bound. Time is cut into buckets; the floor is the first bucket that still counts. Moving
// the floor up forgets everything below it at once: nothing is swept, a slot below the floor is free.
//
// The floor never goes down, whatever the clock does, and what is stamped below it is refused as stale:
// what was forgotten can't come back as new.
//
// Thread-safe; one lock per shard, held for one look-up. Allocates in the constructor only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "pci/envelope.h"

namespace sovereign::pci {

// How far a time stamp may lie from our clock.
struct TimeWindow {
  std::uint64_t past_ms = 120'000;
  std::uint64_t future_ms = 10'000;
};

struct ReplayStoreConfig {
  TimeWindow window;
  std::uint64_t bucket_ms = 1'000;
  std::uint64_t most_entries = std::uint64_t{1} << 18;  // 48 bytes of memory each, rounded up
  std::uint32_t shards = 16;                            // a power of two, at most 256
};

using ReplayKey = std::array<std::byte, 16>;

// The first half of the digest (purpose "nonce", version 1) of the key's 32 bytes and the nonce's 16.
ReplayKey replay_key(const crypto::PublicKey& public_key, const Nonce& nonce) noexcept;

enum class Recorded : std::uint8_t {
  fresh,
  known,      // used before
  forgotten,  // stamped below the floor: nobody can tell any more
  full,       // no room, or stamped past the window
};

class ReplayStore {
 public:
  explicit ReplayStore(const ReplayStoreConfig& config);

  bool contains(const ReplayKey& key) const noexcept;
  // Remembers it unless it is known; both in one step, so of two equal ones only one is fresh.
  Recorded record(const ReplayKey& key, std::uint64_t timestamp_ms) noexcept;
  // Forgets all that is stamped before; the floor stays where it is when that is higher.
  void forget_before(std::uint64_t timestamp_ms) noexcept;

  // Time stamps below it are refused.
  std::uint64_t floor_ms() const noexcept;
  // Entries that count. Takes every shard's lock in turn.
  std::uint64_t size() const noexcept;
  const ReplayStoreConfig& config() const { return config_; }

 private:
  static constexpr std::size_t kWays = 8;
  struct alignas(64) Set {
    std::array<std::uint64_t, kWays> bucket{};  // 0: never used
    std::array<ReplayKey, kWays> key{};
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::vector<Set> sets;
    std::vector<std::uint32_t> counts;  // per bucket, round robin
    std::uint64_t live = 0;
    std::uint64_t floor = 0;  // up to which counts have been taken out of `live`
  };
  struct Place {
    Shard* shard;
    std::array<Set*, 2> sets;
  };

  Place place_of(const ReplayKey& key) const noexcept;
  std::uint64_t bucket_of(std::uint64_t timestamp_ms) const noexcept;
  void catch_up(Shard& shard, std::uint64_t floor) const noexcept;

  const ReplayStoreConfig config_;
  const std::uint64_t buckets_;
  const std::uint64_t most_per_shard_;
  std::uint64_t set_mask_ = 0;
  mutable std::vector<Shard> shards_;
  std::atomic<std::uint64_t> floor_{1};  // a bucket
};

}  // namespace sovereign::pci
