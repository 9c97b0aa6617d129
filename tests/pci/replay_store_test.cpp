#include "pci/replay_store.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

namespace sovereign::pci {
namespace {

ReplayKey key_of(std::uint64_t i) {
  Nonce nonce{};
  std::memcpy(nonce.data(), &i, sizeof i);
  return replay_key({}, nonce);
}

ReplayStoreConfig small_config() {
  ReplayStoreConfig config;
  config.window = {1'000, 200};
  config.bucket_ms = 100;
  config.most_entries = 4'096;
  config.shards = 4;
  return config;
}

TEST(ReplayStore, KeysDependOnKeyAndNonce) {
  crypto::PublicKey other{};
  other[0] = std::byte{1};
  Nonce nonce{};
  EXPECT_NE(replay_key({}, nonce), replay_key(other, nonce));
  EXPECT_EQ(replay_key(other, nonce), replay_key(other, nonce));
  nonce[15] = std::byte{1};
  EXPECT_NE(replay_key(other, {}), replay_key(other, nonce));
}

TEST(ReplayStore, RemembersUntilTheFloorPasses) {
  ReplayStore store(small_config());
  store.forget_before(4'800);
  EXPECT_FALSE(store.contains(key_of(1)));
  EXPECT_EQ(store.record(key_of(1), 5'000), Recorded::fresh);
  EXPECT_EQ(store.record(key_of(1), 5'000), Recorded::known);
  EXPECT_EQ(store.record(key_of(1), 5'700), Recorded::known) << "another time stamp, the same nonce";
  EXPECT_EQ(store.size(), 1u);
  store.forget_before(5'099);
  EXPECT_TRUE(store.contains(key_of(1)));
  store.forget_before(5'100);
  EXPECT_FALSE(store.contains(key_of(1)));
  EXPECT_EQ(store.record(key_of(1), 5'000), Recorded::forgotten);
  EXPECT_EQ(store.floor_ms(), 5'100u);
  EXPECT_EQ(store.size(), 0u);
}

TEST(ReplayStore, TheFloorNeverGoesDown) {
  ReplayStore store(small_config());
  store.forget_before(9'000);
  store.forget_before(1'000);
  EXPECT_EQ(store.floor_ms(), 9'000u);
  EXPECT_EQ(store.record(key_of(1), 8'999), Recorded::forgotten);
  EXPECT_EQ(store.record(key_of(1), 9'000), Recorded::fresh);
}

TEST(ReplayStore, IsBoundedAndRefusesRatherThanForgets) {
  ReplayStoreConfig config = small_config();
  ReplayStore store(config);
  store.forget_before(5'000);
  std::uint64_t fresh = 0;
  std::vector<std::uint64_t> kept;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const Recorded recorded = store.record(key_of(i), 5'000 + i % 1'200);
    if (recorded == Recorded::fresh) kept.push_back(i);
    fresh += recorded == Recorded::fresh ? 1 : 0;
    ASSERT_TRUE(recorded == Recorded::fresh || recorded == Recorded::full);
  }
  EXPECT_EQ(fresh, config.most_entries);
  EXPECT_EQ(store.size(), config.most_entries);
  for (const std::uint64_t i : kept) ASSERT_TRUE(store.contains(key_of(i)));
  // Time passes, and all of it is free again.
  store.forget_before(7'000);
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(store.record(key_of(1), 7'500), Recorded::fresh);
}

TEST(ReplayStore, WhatIsStampedPastTheWindowIsRefused) {
  ReplayStore store(small_config());
  store.forget_before(5'000);
  EXPECT_EQ(store.record(key_of(1), 6'200), Recorded::fresh);
  EXPECT_EQ(store.record(key_of(2), 6'500), Recorded::full);
  EXPECT_EQ(store.record(key_of(3), std::uint64_t{1} << 52), Recorded::full);
}

// Against a map that is swept by hand.
TEST(ReplayStore, DoesWhatAMapDoes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  ReplayStore store(small_config());
  std::map<ReplayKey, std::uint64_t> model;
  std::uint64_t now = 10'000;
  for (int step = 0; step < 50'000; ++step) {
    if (random() % 50 == 0) now += random() % 300;
    store.forget_before(now - 1'000);
    const std::uint64_t floor = (now - 1'000) / 100 * 100;
    std::erase_if(model, [&](const auto& entry) { return entry.second < floor; });
    const ReplayKey key = key_of(random() % 3'000);
    const std::uint64_t stamp = now - 1'100 + random() % 1'300;
    ASSERT_EQ(store.contains(key), model.contains(key));
    const Recorded recorded = store.record(key, stamp);
    if (stamp < floor) {
      ASSERT_EQ(recorded, Recorded::forgotten);
    } else if (model.contains(key)) {
      ASSERT_EQ(recorded, Recorded::known);
    } else {
      ASSERT_EQ(recorded, Recorded::fresh);
      model.emplace(key, stamp);
    }
    if (step % 1'000 == 0) {
      ASSERT_EQ(store.size(), model.size());
    }
  }
}

TEST(ReplayStore, OfManyThreadsOneIsFirst) {
  ReplayStore store(ReplayStoreConfig{});
  constexpr std::uint64_t kKeys = 20'000;
  std::array<std::atomic<std::uint64_t>, 4> fresh{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < fresh.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kKeys; ++i) {
        const std::uint64_t key = t % 2 == 0 ? i : kKeys - 1 - i;
        if (store.record(key_of(key), 1'000 + key) == Recorded::fresh) ++fresh[t];
        if (!store.contains(key_of(key))) ADD_FAILURE() << "lost " << key;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fresh[0] + fresh[1] + fresh[2] + fresh[3], kKeys);
  EXPECT_EQ(store.size(), kKeys);
}

}  // namespace
}  // namespace sovereign::pci
