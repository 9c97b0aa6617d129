#include "cache/lru.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <mutex>
#include <random>

#include "cache/lru_shard.h"

namespace sovereign::cache {
namespace {

constexpr std::size_t kMaxShards = 4096;
constexpr std::size_t kMaxShardEntries = std::size_t{1} << 30;
// Puts that wait in each shard until what they touch has been loaded; larger ones do not.
constexpr std::size_t kMayWait = 4;
constexpr std::size_t kMaxWaitingBytes = 4096;

// A shard is locked for some hundred nanoseconds, and a thread that sleeps for it comes back microseconds
// later: at two threads that alone made the 99th percentile of a hit. So it tries again for as long as a lock
// is held, and sleeps only when its holder seems to have lost its CPU.
std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  constexpr int kTurns = 32;
  for (int turn = 0; turn < kTurns; ++turn) {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (lock.owns_lock()) return lock;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  return std::unique_lock(mutex);
}

std::size_t shards_for(const LruConfig& config) {
  const std::size_t wanted =
      config.shards != 0 ? std::min(config.shards, kMaxShards)
                         : std::min({std::size_t{64}, config.max_entries / 1024, config.max_bytes >> 22});
  return std::bit_floor(std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, config.max_entries)));
}

}  // namespace

// Padded to two cache lines: the processor fetches lines in pairs.
struct alignas(128) Lru::Shard {
  // A put that was accepted and is not carried out yet.
  struct Waiting {
    EntryPtr entry;
    std::uint32_t tag = 0;
  };

  Shard(std::uint32_t max_entries, std::size_t max_bytes, std::span<std::byte> memory)
      : lru(max_entries, max_bytes, memory) {}

  // Locked, and no put waits.
  std::unique_lock<std::mutex> lock_settled(Victims& victims) {
    auto lock = lock_soon(mutex);
    if (waiting_count != 0) carry_out(0, victims);
    return lock;
  }
  // The following need the lock.
  // Whether a put is to wait: it is small, all that wait are at most a sixteenth of the bytes, and no look-up
  // has just loaded what it will touch.
  bool should_wait(std::uint32_t tag, std::size_t footprint) const {
    return tag != last_missed && footprint <= kMaxWaitingBytes && lru.fits(footprint * kMayWait * 16);
  }
  void wait(EntryPtr entry, std::uint32_t tag);
  // Carries out the first puts that wait, until no more than so many do.
  void carry_out(std::size_t may_wait, Victims& victims);

  std::mutex mutex;
  std::uint32_t first_waiting = 0;
  std::uint32_t waiting_count = 0;
  LruShard lru;
  std::uint32_t last_missed = 0;  // tag of the last get that found nothing
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t inserts = 0;
  std::uint64_t replacements = 0;
  std::uint64_t refusals = 0;
  std::array<Waiting, kMayWait> waiting;  // a ring
};

void Lru::Shard::wait(EntryPtr entry, std::uint32_t tag) {
  assert(waiting_count < kMayWait);
  waiting[(first_waiting + waiting_count++) % kMayWait] = {std::move(entry), tag};
}

void Lru::Shard::carry_out(std::size_t may_wait, Victims& victims) {
  while (waiting_count > may_wait) {
    Waiting& first = waiting[first_waiting];
    // The lock stays, since nobody may see the half of a put that has returned. What waits is small: more
    // victims than there is room for are rare.
    if (victims.full()) victims.clear();
    const bool replaced = lru.erase(first.entry->hash(), first.tag, victims);
    while (!lru.make_room(first.entry->footprint(), victims)) victims.clear();
    ++(replaced ? replacements : inserts);
    lru.put(std::move(first.entry), first.tag);
    first_waiting = (first_waiting + 1) % kMayWait;
    --waiting_count;
  }
}

Lru::Lru(const LruConfig& config) : shard_count_(shards_for(config)) {
  std::mt19937_64 random(config.placement_seed);
  if (config.placement_seed == 0) {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    random.seed(seed);
  }
  const auto draw = [&] { return static_cast<Wide>(random()) << 64 | random(); };
  factor_low_ = draw();
  factor_high_ = draw();
  summand_ = draw();
  shard_shift_ = 64u - static_cast<unsigned>(std::countr_zero(shard_count_));
  shards_ = std::make_unique<std::unique_ptr<Shard>[]>(shard_count_);
  const std::size_t max_entries = std::clamp<std::size_t>(config.max_entries, 1, kMaxShardEntries);
  // The remainders go to the first shards, so that the shares add up to the bounds.
  const auto share = [this](std::size_t of, std::size_t i) {
    return of / shard_count_ + (i < of % shard_count_ ? 1 : 0);
  };
  const auto entries = [&](std::size_t i) { return static_cast<std::uint32_t>(share(max_entries, i)); };
  std::size_t needed = 0;
  for (std::size_t i = 0; i < shard_count_; ++i) needed += LruShard::memory_for(entries(i));
  memory_ = HugePages(needed);
  std::span<std::byte> memory = memory_.bytes();
  for (std::size_t i = 0; i < shard_count_; ++i) {
    shards_[i] = std::make_unique<Shard>(entries(i), share(config.max_bytes, i), memory);
    memory = memory.subspan(LruShard::memory_for(entries(i)));
  }
}

Lru::~Lru() = default;

Lru::Place Lru::place(const Hash128& hash) const {
  const Wide sum = factor_low_ * hash.low + factor_high_ * hash.high + summand_;
  const auto mixed = static_cast<std::uint64_t>(sum >> 64);
  const std::size_t shard = shard_count_ == 1 ? 0 : mixed >> shard_shift_;
  // Below the 12 bits that may choose the shard.
  return {shards_[shard].get(), static_cast<std::uint32_t>(mixed >> 20)};
}

EntryPtr Lru::get(const QueryKey& key, WallTime now) {
  Victims victims;  // before the lock: what leaves is destroyed after it
  EntryPtr expired;
  const auto [shard, tag] = place(key.hash());
  const auto lock = shard->lock_settled(victims);
  EntryPtr entry = shard->lru.get(key, tag, now, expired);
  if (entry) {
    ++shard->hits;
  } else {
    ++shard->misses;
    shard->last_missed = tag;
  }
  return entry;
}

EntryPtr Lru::peek(const Hash128& hash, WallTime now) const {
  Victims victims;
  const auto [shard, tag] = place(hash);
  const auto lock = shard->lock_settled(victims);
  return shard->lru.peek(hash, tag, now);
}

bool Lru::put(EntryPtr entry) {
  assert(entry != nullptr);
  const auto [shard, tag] = place(entry->hash());
  const std::size_t footprint = entry->footprint();
  Victims victims;
  auto lock = lock_soon(shard->mutex);
  if (!shard->lru.fits(footprint)) {
    ++shard->refusals;
    return false;
  }
  shard->lru.prefetch(tag);
  shard->lru.prefetch_victims();
  if (shard->should_wait(tag, footprint)) {
    shard->carry_out(kMayWait - 1, victims);
    shard->wait(std::move(entry), tag);
    return true;
  }
  shard->carry_out(0, victims);
  bool replaced = false;
  for (;;) {
    if (!victims.full()) {
      replaced |= shard->lru.erase(entry->hash(), tag, victims);
      if (shard->lru.make_room(footprint, victims)) break;
    }
    // Puts that begin to wait meanwhile are as if they came after this one.
    lock.unlock();
    victims.clear();
    lock.lock();
  }
  ++(replaced ? shard->replacements : shard->inserts);
  shard->lru.put(std::move(entry), tag);
  return true;
}

bool Lru::erase(const Hash128& hash) {
  Victims victims;
  const auto [shard, tag] = place(hash);
  const auto lock = shard->lock_settled(victims);
  if (victims.full()) victims.clear();
  return shard->lru.erase(hash, tag, victims);
}

void Lru::clear() {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    for (bool more = true; more;) {
      Victims victims;
      const auto lock = shards_[i]->lock_settled(victims);
      while (!victims.full() && (more = shards_[i]->lru.pop_oldest(victims))) {
      }
    }
  }
}

LruStats Lru::stats() const {
  LruStats stats;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = *shards_[i];
    Victims victims;
    const auto lock = shard.lock_settled(victims);
    stats.hits += shard.hits;
    stats.misses += shard.misses;
    stats.inserts += shard.inserts;
    stats.replacements += shard.replacements;
    stats.evictions += shard.lru.evictions();
    stats.expirations += shard.lru.expirations();
    stats.refusals += shard.refusals;
    stats.entries += shard.lru.entries();
    stats.bytes += shard.lru.bytes();
  }
  return stats;
}

}  // namespace sovereign::cache
