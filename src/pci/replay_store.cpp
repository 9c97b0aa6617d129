#include "pci/replay_store.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

namespace sovereign::pci {
namespace {

constexpr crypto::DigestDomain kNonceDomain{"nonce", 1};

template <class Integer>
Integer part_of(const ReplayKey& key, std::size_t offset) noexcept {
  Integer value;
  std::memcpy(&value, key.data() + offset, sizeof value);
  return value;
}

}  // namespace

ReplayKey replay_key(const crypto::PublicKey& public_key, const Nonce& nonce) noexcept {
  std::array<char, sizeof(crypto::PublicKey) + sizeof(Nonce)> content;
  std::memcpy(content.data(), public_key.data(), public_key.size());
  std::memcpy(content.data() + public_key.size(), nonce.data(), nonce.size());
  const crypto::Digest digest = crypto::digest_of(kNonceDomain, {content.data(), content.size()});
  ReplayKey key;
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

ReplayStore::ReplayStore(const ReplayStoreConfig& config)
    : config_(config),
      // One for the bucket that the window's end cuts, one for the floor's.
      buckets_((config.window.past_ms + config.window.future_ms) / config.bucket_ms + 2),
      most_per_shard_(std::max<std::uint64_t>(1, config.most_entries / config.shards)),
      shards_(config.shards) {
  assert(config.bucket_ms > 0 && std::has_single_bit(config.shards) && config.shards <= 256);
  // Half full at the bound: with two sets to choose from, both being full is then next to impossible.
  const std::uint64_t sets = std::bit_ceil(std::max<std::uint64_t>(2, most_per_shard_ * 2 / kWays));
  set_mask_ = sets - 1;
  for (Shard& shard : shards_) {
    shard.sets.resize(sets);
    shard.counts.resize(buckets_);
    shard.floor = 1;
  }
}

// 0 stands for an empty slot, so buckets count from 1.
std::uint64_t ReplayStore::bucket_of(std::uint64_t timestamp_ms) const noexcept {
  return timestamp_ms / config_.bucket_ms + 1;
}

ReplayStore::Place ReplayStore::place_of(const ReplayKey& key) const noexcept {
  Shard& shard = shards_[part_of<std::uint8_t>(key, 0) & (config_.shards - 1)];
  return {&shard,
          {&shard.sets[part_of<std::uint32_t>(key, 4) & set_mask_],
           &shard.sets[part_of<std::uint32_t>(key, 8) & set_mask_]}};
}

bool ReplayStore::contains(const ReplayKey& key) const noexcept {
  const std::uint64_t floor = floor_.load(std::memory_order_acquire);
  const Place place = place_of(key);
  const std::lock_guard lock(place.shard->mutex);
  for (const Set* set : place.sets)
    for (std::size_t way = 0; way < kWays; ++way)
      if (set->bucket[way] >= floor && set->key[way] == key) return true;
  return false;
}

Recorded ReplayStore::record(const ReplayKey& key, std::uint64_t timestamp_ms) noexcept {
  const std::uint64_t bucket = bucket_of(timestamp_ms);
  const Place place = place_of(key);
  Shard& shard = *place.shard;
  const std::lock_guard lock(shard.mutex);
  // Read under the lock: whoever raised it has, or will, find this entry by the same floor.
  const std::uint64_t floor = floor_.load(std::memory_order_acquire);
  if (bucket < floor) return Recorded::forgotten;
  Set* free_set = nullptr;
  std::size_t free_way = 0;
  std::size_t most_free = 0;
  for (Set* set : place.sets) {
    std::size_t free = 0;
    std::size_t way_found = 0;
    for (std::size_t way = 0; way < kWays; ++way) {
      if (set->bucket[way] < floor) {
        ++free;
        way_found = way;
      } else if (set->key[way] == key) {
        return Recorded::known;
      }
    }
    if (free > most_free) {
      most_free = free;
      free_set = set;
      free_way = way_found;
    }
  }
  catch_up(shard, floor);
  if (free_set == nullptr || shard.live >= most_per_shard_ || bucket >= floor + buckets_)
    return Recorded::full;
  free_set->bucket[free_way] = bucket;
  free_set->key[free_way] = key;
  ++shard.counts[bucket % buckets_];
  ++shard.live;
  return Recorded::fresh;
}

void ReplayStore::catch_up(Shard& shard, std::uint64_t floor) const noexcept {
  const std::uint64_t steps = std::min(floor - std::min(floor, shard.floor), buckets_);
  for (std::uint64_t bucket = shard.floor; bucket < shard.floor + steps; ++bucket)
    shard.live -= std::exchange(shard.counts[bucket % buckets_], 0);
  shard.floor = std::max(shard.floor, floor);
}

void ReplayStore::forget_before(std::uint64_t timestamp_ms) noexcept {
  const std::uint64_t wanted = bucket_of(timestamp_ms);
  std::uint64_t floor = floor_.load(std::memory_order_relaxed);
  while (floor < wanted &&
         !floor_.compare_exchange_weak(floor, wanted, std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
}

std::uint64_t ReplayStore::floor_ms() const noexcept {
  return (floor_.load(std::memory_order_acquire) - 1) * config_.bucket_ms;
}

std::uint64_t ReplayStore::size() const noexcept {
  std::uint64_t sum = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    catch_up(shard, floor_.load(std::memory_order_acquire));
    sum += shard.live;
  }
  return sum;
}

}  // namespace sovereign::pci
