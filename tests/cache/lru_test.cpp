#include "cache/lru.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <random>
#include <thread>

#include "bench/allocation_counter.h"
#include "cache/lru_shard.h"
#include "cache_support.h"

namespace sovereign::cache {
namespace {

EntryPtr get(Lru& lru, std::uint64_t id, WallTime now = at_ms(0)) {
  return lru.get(key_of(encoding_of(id)), now);
}

// The obvious LRU: a list, newest first.
class Model {
 public:
  Model(std::size_t max_entries, std::size_t max_bytes) : max_entries_(max_entries), max_bytes_(max_bytes) {}

  const Entry* get(std::uint64_t id, WallTime now) {
    const auto found = find(id);
    if (found == entries_.end()) return nullptr;
    if ((*found)->expired(now)) {
      entries_.erase(found);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front().get();
  }
  bool put(std::uint64_t id, const EntryPtr& entry) {
    if (entry->footprint() > max_bytes_) return false;
    ++(erase(id) ? replacements : inserts);
    while (entries_.size() >= max_entries_ || bytes() + entry->footprint() > max_bytes_) {
      entries_.pop_back();
      ++evictions;
    }
    entries_.push_front(entry);
    return true;
  }
  bool erase(std::uint64_t id) {
    const auto found = find(id);
    if (found == entries_.end()) return false;
    entries_.erase(found);
    return true;
  }
  void clear() { entries_.clear(); }
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const EntryPtr& entry : entries_) sum += entry->footprint();
    return sum;
  }

  std::uint64_t inserts = 0;
  std::uint64_t replacements = 0;
  std::uint64_t evictions = 0;

 private:
  std::list<EntryPtr>::iterator find(std::uint64_t id) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [&](const EntryPtr& entry) { return entry->encoding() == encoding_of(id); });
  }
  std::size_t max_entries_;
  std::size_t max_bytes_;
  std::list<EntryPtr> entries_;
};

RC_GTEST_PROP(Lru, BehavesLikeTheObviousLru, ()) {
  const auto max_entries = *rc::gen::inRange<std::size_t>(1, 40);
  const auto max_bytes = *rc::gen::inRange<std::size_t>(100, 30'000);
  Lru lru({.max_entries = max_entries, .max_bytes = max_bytes, .shards = 1});
  Model model(max_entries, max_bytes);
  const auto steps = *rc::gen::inRange(0, 400);
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
  std::int64_t now = 0;
  for (int step = 0; step < steps; ++step) {
    const std::uint64_t id = random() % 60;
    now += static_cast<std::int64_t>(random() % 3);
    const auto action = random() % 20;
    if (action < 9) {
      RC_ASSERT(get(lru, id, at_ms(now)).get() == model.get(id, at_ms(now)));
    } else if (action < 18) {
      const WallTime expires = random() % 4 == 0 ? at_ms(now + 20) : kNever;
      const EntryPtr entry = entry_of(id, std::string(random() % 200, 'v'), expires);
      RC_ASSERT(lru.put(entry) == model.put(id, entry));
    } else if (action == 18) {
      RC_ASSERT(lru.erase(hash128(encoding_of(id))) == model.erase(id));
    } else if (random() % 10 == 0) {
      lru.clear();
      model.clear();
    }
    if (random() % 8 != 0 && step + 1 < steps) continue;  // looking carries out the puts that wait
    const LruStats stats = lru.stats();
    RC_ASSERT(stats.entries == model.size());
    RC_ASSERT(stats.bytes == model.bytes());
    RC_ASSERT(stats.inserts == model.inserts);
    RC_ASSERT(stats.replacements == model.replacements);
    RC_ASSERT(stats.evictions == model.evictions);
  }
}

TEST(Lru, APutThatWaitsEvictsAllThatItMust) {
  constexpr std::uint64_t kSmall = 10'000;
  Lru lru({.max_entries = 100'000, .max_bytes = 1'000'000, .shards = 1});
  for (std::uint64_t id = 0; id < kSmall; ++id) ASSERT_TRUE(lru.put(entry_of(id, std::string(20, 's'))));
  const LruStats full = lru.stats();
  ASSERT_LT(full.bytes, 1'000'000u);
  // Small enough to wait, large enough for dozens of the small ones to make room for the last of them.
  for (std::uint64_t id = kSmall; lru.stats().evictions == 0; ++id) {
    ASSERT_LT(id, kSmall + 100);
    ASSERT_TRUE(lru.put(entry_of(id, std::string(4000, 'l'))));
  }
  const LruStats stats = lru.stats();
  EXPECT_GT(stats.evictions, Victims::kCapacity);
  EXPECT_LE(stats.bytes, 1'000'000u);
  EXPECT_EQ(stats.inserts - stats.evictions, stats.entries);
  EXPECT_EQ(get(lru, 0), nullptr);
  EXPECT_NE(get(lru, kSmall - 1), nullptr);
}

TEST(Lru, ACacheOfOneHoldsTheLastOfManyPuts) {
  Lru lru({.max_entries = 1, .max_bytes = 100'000});
  for (std::uint64_t id = 0; id < 100; ++id) {
    for (std::uint64_t put = 0; put <= id % 7; ++put) ASSERT_TRUE(lru.put(entry_of(id * 10 + put, "value")));
    EXPECT_NE(get(lru, id * 10 + id % 7), nullptr);
    EXPECT_EQ(lru.stats().entries, 1u);
  }
}

TEST(Lru, ManyShardsStayInsideBothBounds) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Lru lru({.max_entries = 1000, .max_bytes = 100'000, .shards = 16});
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t id = random() % 5000;
    if (random() % 2 == 0) {
      lru.put(entry_of(id, encoding_of(id) + std::string(random() % 300, 'x')));
    } else if (const EntryPtr entry = get(lru, id)) {
      ASSERT_EQ(entry->value().substr(0, encoding_of(id).size()), encoding_of(id));
    }
    if (i % 100 == 0) {
      const LruStats stats = lru.stats();
      ASSERT_LE(stats.entries, 1000u);
      ASSERT_LE(stats.bytes, 100'000u);
    }
  }
  const LruStats stats = lru.stats();
  EXPECT_EQ(stats.inserts - stats.evictions, stats.entries);
  lru.clear();
  EXPECT_EQ(lru.stats().entries, 0u);
  EXPECT_EQ(lru.stats().bytes, 0u);
}

TEST(Lru, SmallCachesAreOneExactShard) {
  EXPECT_EQ(Lru({.max_entries = 100}).shard_count(), 1u);
  EXPECT_EQ(Lru({.max_entries = 100'000}).shard_count(), 64u);
  EXPECT_EQ(Lru({.max_entries = 3, .shards = 8}).shard_count(), 2u);
}

TEST(Lru, OneHashTwoQueriesNeverGivesTheOtherAnswer) {
  Lru lru({.max_entries = 8});
  const Hash128 hash{1, 2};
  const QueryKey mine(hash, "my query");
  const QueryKey theirs(hash, "their query");
  ASSERT_TRUE(lru.put(Entry::make(mine, "mine", at_ms(0))));
  EXPECT_EQ(lru.get(theirs, at_ms(0)), nullptr);
  ASSERT_TRUE(lru.put(Entry::make(theirs, "theirs", at_ms(0))));
  EXPECT_EQ(lru.get(mine, at_ms(0)), nullptr);
  EXPECT_EQ(lru.get(theirs, at_ms(0))->value(), "theirs");
  EXPECT_EQ(lru.stats().entries, 1u);
}

TEST(Lru, AHitOutlivesItsEviction) {
  Lru lru({.max_entries = 1});
  ASSERT_TRUE(lru.put(entry_of(1, "one")));
  const EntryPtr held = get(lru, 1);
  ASSERT_TRUE(lru.put(entry_of(2, "two")));
  EXPECT_EQ(get(lru, 1), nullptr);
  EXPECT_EQ(held->value(), "one");
}

TEST(Lru, PeekFindsByHashAndMovesNothing) {
  Lru lru({.max_entries = 2});
  ASSERT_TRUE(lru.put(entry_of(1, "one", at_ms(100))));
  ASSERT_TRUE(lru.put(entry_of(2, "two")));
  EXPECT_EQ(lru.peek(hash128(encoding_of(1)), at_ms(0))->value(), "one");
  EXPECT_EQ(lru.peek(hash128(encoding_of(1)), at_ms(100)), nullptr);
  ASSERT_TRUE(lru.put(entry_of(3, "three")));
  EXPECT_EQ(lru.peek(hash128(encoding_of(1)), at_ms(0)), nullptr);
  EXPECT_EQ(lru.stats().hits, 0u);
}

TEST(Lru, CountsWhatHappens) {
  Lru lru({.max_entries = 2, .max_bytes = 1000});
  lru.put(entry_of(1, "a", at_ms(10)));
  lru.put(entry_of(1, "b", at_ms(10)));
  lru.put(entry_of(2, "c"));
  lru.put(entry_of(3, "d"));
  get(lru, 3);
  get(lru, 9);
  lru.put(entry_of(4, "e", at_ms(10)));
  get(lru, 4, at_ms(10));
  EXPECT_FALSE(lru.put(entry_of(5, std::string(1000, 'x'))));
  const LruStats stats = lru.stats();
  EXPECT_EQ(stats.inserts, 4u);
  EXPECT_EQ(stats.replacements, 1u);
  EXPECT_EQ(stats.evictions, 2u);
  EXPECT_EQ(stats.expirations, 1u);
  EXPECT_EQ(stats.hits, 1u);
  EXPECT_EQ(stats.misses, 2u);
  EXPECT_EQ(stats.refusals, 1u);
  EXPECT_EQ(stats.entries, 1u);
}

TEST(Lru, AHitAllocatesNothing) {
  Lru lru({.max_entries = 1000});
  std::vector<std::string> encodings;
  for (std::uint64_t id = 0; id < 500; ++id) {
    encodings.push_back(encoding_of(id));
    lru.put(entry_of(id, "value"));
  }
  const auto before = bench::allocations_of_this_thread();
  std::size_t hits = 0;
  for (const std::string& encoding : encodings) hits += lru.get(key_of(encoding), at_ms(0)) ? 1 : 0;
  EXPECT_EQ(bench::allocations_of_this_thread(), before);
  EXPECT_EQ(hits, 500u);
}

// What a call has returned from, every later call sees.
TEST(Lru, ThreadsSeeTheirOwnPutsAndErasures) {
  constexpr std::uint64_t kShared = 1'000'000;
  Lru lru({.max_entries = 10'000, .max_bytes = 100'000'000, .shards = 1});  // nothing is evicted
  ASSERT_TRUE(lru.put(entry_of(kShared, "shared")));
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 10'000; ++i) {
        const std::uint64_t id = t * 100 + i % 7;
        const bool large = i % 13 == 0;
        lru.put(entry_of(id, std::to_string(i) + std::string(large ? 5000 : 0, ' ')));
        if (i % 3 != 0) {
          const EntryPtr entry = get(lru, id);
          if (!entry || std::stoull(std::string(entry->value())) != i) ++wrong;
        }
        if (i % 5 == 0) {
          if (!lru.erase(hash128(encoding_of(id)))) ++wrong;
          if (get(lru, id)) ++wrong;
        }
        // Always there, whoever replaces it.
        if (i % 2 == 0) lru.put(entry_of(kShared, "shared"));
        if (!get(lru, kShared)) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

// Run under the thread sanitizer too: every value must belong to its key, whatever others do. With few bytes
// puts are carried out at once, with many they wait; large ones give the lock up while they evict.
std::string value_of(std::uint64_t id) { return std::string(id % 50 == 0 ? 8000 : id, 'v'); }

class LruThreads : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Bytes, LruThreads, ::testing::Values(20'000, 100'000, 2'000'000));

TEST_P(LruThreads, SeeOnlyWholeAndRightValues) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Lru lru({.max_entries = 200, .max_bytes = GetParam(), .shards = 4});
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t id = random() % 400;
        const auto action = random() % 100;
        if (action < 50) {
          const EntryPtr entry = get(lru, id, at_ms(i));
          if (entry && entry->value() != value_of(id)) ++wrong;
        } else if (action < 96) {
          lru.put(entry_of(id, value_of(id), action < 60 ? at_ms(i + 100) : kNever));
        } else if (action < 99) {
          lru.erase(hash128(encoding_of(id)));
        } else if (i % 50 == 0) {
          lru.clear();
        } else {
          lru.stats();
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(lru.stats().entries, 200u);
}

}  // namespace
}  // namespace sovereign::cache
