#include "cache/response_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <map>
#include <thread>

#include "bell.h"
#include "cache/disk_store.h"
#include "cache/single_flight.h"
#include "cache_support.h"
#include "support/temporary_folder.h"

namespace sovereign::cache {
namespace {

using namespace std::chrono_literals;

class ResponseCacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<ResponseCache> open(const ResponseCacheConfig& config = {}) const {
    DiskStoreConfig disk;
    disk.path = folder_.file("cache.db");
    auto store = DiskStore::open(disk, Stamp("1", "model"));
    EXPECT_TRUE(store.has_value());
    EXPECT_TRUE((*store)->wait_until_open().has_value());
    std::vector<std::unique_ptr<CacheLevel>> levels;
    levels.push_back(std::move(*store));
    return std::make_unique<ResponseCache>(config, std::move(levels));
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ResponseCacheTest, AnswersComeFromMemoryThenFromDiskAfterARestart) {
  auto cache = open();
  EXPECT_FALSE(cache->find(key_of("q"), at_ms(0)).has_value());
  cache->put(key_of("q"), "answer", at_ms(100));
  auto hit = cache->find(key_of("q"), at_ms(150));
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->entry->value(), "answer");
  EXPECT_EQ(hit->level, "memory");
  EXPECT_EQ(hit->age, 50ms);
  cache.reset();
  cache = open();
  EXPECT_FALSE(cache->find_in_memory(key_of("q"), at_ms(200)).has_value());
  hit = cache->find(key_of("q"), at_ms(200));
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->level, "disk");
  EXPECT_EQ(hit->age, 100ms);
  EXPECT_EQ(cache->find(key_of("q"), at_ms(200))->level, "memory");  // it rose
  const ResponseCacheStats stats = cache->stats();
  EXPECT_EQ(stats.memory.hits, 1u);
  EXPECT_EQ(stats.memory.misses, 2u);
  ASSERT_EQ(stats.levels.size(), 1u);
  EXPECT_EQ(stats.levels[0].name, "disk");
  EXPECT_EQ(stats.levels[0].stats.hits, 1u);
}

// A level in which something happens just after it was read.
class InterruptedLevel final : public CacheLevel {
 public:
  std::string_view name() const override { return "interrupted"; }
  EntryPtr get(const QueryKey& key, WallTime) override {
    const auto found = entries_.find(to_hex(key.hash()));
    EntryPtr entry = found == entries_.end() ? nullptr : found->second;
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    return entry;
  }
  EntryPtr peek(const Hash128& hash, WallTime) override {
    const auto found = entries_.find(to_hex(hash));
    return found == entries_.end() ? nullptr : found->second;
  }
  bool put(EntryPtr entry) override {
    entries_.insert_or_assign(to_hex(entry->hash()), entry);
    return true;
  }
  void erase(const Hash128& hash) override { entries_.erase(to_hex(hash)); }
  result<void> clear() override {
    entries_.clear();
    return {};
  }
  result<void> flush() override { return {}; }
  LevelStats stats() const override { return {}; }

  std::function<void()> meanwhile;

 private:
  std::map<std::string, EntryPtr> entries_;
};

// What was erased while it was read below rose into memory afterwards.
TEST(ResponseCacheRise, WhatChangedMeanwhileDoesNotRise) {
  const auto answer_after = [](const std::function<void(ResponseCache&)>& change) -> std::string {
    auto above = std::make_unique<InterruptedLevel>();
    auto below = std::make_unique<InterruptedLevel>();
    InterruptedLevel& slow = *below;
    slow.put(Entry::make(key_of("q"), "old", at_ms(0)));
    std::vector<std::unique_ptr<CacheLevel>> levels;
    levels.push_back(std::move(above));
    levels.push_back(std::move(below));
    ResponseCache cache({}, std::move(levels));
    if (change) slow.meanwhile = [&] { change(cache); };
    EXPECT_EQ(cache.find(key_of("q"), at_ms(1))->entry->value(), "old")
        << "it was there when it was asked for";
    const auto again = cache.find(key_of("q"), at_ms(1));
    return again ? std::string(again->level) + " " + std::string(again->entry->value()) : "(none)";
  };
  EXPECT_EQ(answer_after(nullptr), "memory old");
  EXPECT_EQ(answer_after([](ResponseCache& cache) { cache.erase(hash128("q")); }), "(none)");
  EXPECT_EQ(answer_after([](ResponseCache& cache) { EXPECT_TRUE(cache.clear()); }), "(none)");
  EXPECT_EQ(answer_after([](ResponseCache& cache) { cache.put(key_of("q"), "new", at_ms(1)); }),
            "memory new");
}

TEST_F(ResponseCacheTest, TimeToLiveHoldsInEveryLevel) {
  ResponseCacheConfig config;
  config.time_to_live = 100ms;
  auto cache = open(config);
  cache->put(key_of("default"), "a", at_ms(0));
  cache->put(key_of("own"), "a", at_ms(0), 1000ms);
  cache->put(key_of("forever"), "a", at_ms(0), WallDuration::max());
  EXPECT_TRUE(cache->find(key_of("default"), at_ms(99)).has_value());
  EXPECT_FALSE(cache->find(key_of("default"), at_ms(100)).has_value());
  EXPECT_TRUE(cache->find(key_of("own"), at_ms(999)).has_value());
  EXPECT_FALSE(cache->find(key_of("own"), at_ms(1000)).has_value());
  EXPECT_TRUE(cache->find(key_of("forever"), at_ms(1'000'000'000)).has_value());
}

TEST_F(ResponseCacheTest, ErasedPeekedAndCleared) {
  auto cache = open();
  cache->put(key_of("a"), "1", at_ms(0));
  cache->put(key_of("b"), "2", at_ms(0));
  EXPECT_EQ(cache->peek(hash128("a"), at_ms(0))->entry->value(), "1");
  cache->erase(hash128("a"));
  EXPECT_FALSE(cache->find(key_of("a"), at_ms(0)).has_value());
  EXPECT_TRUE(cache->find(key_of("b"), at_ms(0)).has_value());
  ASSERT_TRUE(cache->clear().has_value());
  EXPECT_FALSE(cache->find(key_of("b"), at_ms(0)).has_value());
  cache.reset();
  EXPECT_FALSE(open()->find(key_of("b"), at_ms(0)).has_value());
}

TEST_F(ResponseCacheTest, AnAnswerTooLargeForMemoryReplacesTheOldOneThereToo) {
  ResponseCacheConfig config;
  config.memory = {.max_entries = 10, .max_bytes = 500, .shards = 1};
  auto cache = open(config);
  cache->put(key_of("q"), "old", at_ms(0));
  cache->put(key_of("q"), std::string(1000, 'n'), at_ms(0));
  const auto hit = cache->find(key_of("q"), at_ms(0));
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->entry->value(), std::string(1000, 'n'));
  EXPECT_EQ(hit->level, "disk");
}

// The way the pipeline will use it: look, join, and as the leader look again.
TEST_F(ResponseCacheTest, SixtyFourIdenticalQueriesCauseOneInference) {
  for (int round = 0; round < 20; ++round) {
    ResponseCache cache({});
    SingleFlight<int, EntryPtr> flights;
    std::atomic<int> inferences{0};
    std::atomic<int> answered{0};
    std::barrier start(64);
    std::vector<std::jthread> clients;
    for (int client = 0; client < 64; ++client) {
      clients.emplace_back([&] {
        start.arrive_and_wait();
        Bell bell;
        EntryPtr answer;
        if (const auto hit = cache.find(key_of("q"), at_ms(0))) {
          answer = hit->entry;
        } else {
          auto joined = flights.join(key_of("q"), bell.ringer());
          if (joined->producer) {
            if (const auto second_look = cache.find(key_of("q"), at_ms(0))) {
              answer = second_look->entry;
            } else {
              ++inferences;
              answer = cache.put(key_of("q"), "answer", at_ms(0));
            }
            joined->producer->finish(answer);
          } else {
            bell.wait();
            answer = *joined->waiter.poll().outcome;
          }
        }
        if (answer->value() == "answer") ++answered;
      });
    }
    clients.clear();
    ASSERT_EQ(inferences, 1);
    ASSERT_EQ(answered, 64);
  }
}

}  // namespace
}  // namespace sovereign::cache
