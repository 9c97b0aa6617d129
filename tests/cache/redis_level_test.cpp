// The shared level against a real redis-server: what is kept, and what its death, silence and refusals cost.
#include "cache/redis_level.h"

#include <gtest/gtest.h>

#include <thread>

#include "cache/cache_support.h"
#include "cache/redis_server.h"
#include "cache/response_cache.h"
#include "cache/slow_redis.h"

namespace sovereign::cache {
namespace {

const Stamp kStamp("1.0", "");

RedisLevelConfig config_of(const RedisServer& server) {
  RedisLevelConfig config;
  config.address = server.address();
  config.timeout = std::chrono::milliseconds(500);
  config.retry_min = std::chrono::milliseconds(1);
  config.retry_max = std::chrono::milliseconds(2);
  return config;
}

class RedisLevelTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.running()); }

  std::unique_ptr<RedisLevel> open(const Stamp& stamp = kStamp) {
    auto level = std::make_unique<RedisLevel>(config_of(server_), stamp);
    EXPECT_TRUE(level->flush());
    return level;
  }
  static void until_healthy(const RedisLevel& level) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!level.stats().healthy) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "the level does not come back";
      std::this_thread::yield();
    }
  }
  void tell(const RedisConnection::Command& command) {
    auto connection = RedisConnection::open(server_.address(), std::chrono::seconds(1));
    ASSERT_TRUE(connection);
    const auto refused = connection->run_all(std::span(&command, 1));
    ASSERT_TRUE(refused && refused->commands.empty());
  }
  static std::string value_of(CacheLevel& level, std::uint64_t id) {
    const std::string encoding = encoding_of(id);
    const EntryPtr entry = level.get(key_of(encoding), wall_now());
    return entry ? std::string(entry->value()) : "(none)";
  }

  RedisServer server_;
};

TEST_F(RedisLevelTest, NodesShareAnswers) {
  const auto one = open();
  const auto other = open();
  EXPECT_EQ(value_of(*one, 1), "(none)");
  EXPECT_TRUE(one->put(entry_of(1, std::string("a\0b", 3))));
  EXPECT_EQ(value_of(*one, 1), std::string("a\0b", 3)) << "seen at once by its own node";
  ASSERT_TRUE(one->flush());
  EXPECT_EQ(value_of(*other, 1), std::string("a\0b", 3));
  EXPECT_EQ(other->peek(hash128(encoding_of(1)), wall_now())->value().size(), 3u);
  other->erase(hash128(encoding_of(1)));
  ASSERT_TRUE(other->flush());
  EXPECT_EQ(value_of(*one, 1), "(none)");
  EXPECT_EQ(one->stats().writes, 1u);
  EXPECT_GE(one->stats().misses, 2u);
}

TEST_F(RedisLevelTest, AnswersEndThereToo) {
  const auto level = open();
  ASSERT_TRUE(level->put(entry_of(1, "short", wall_now() + std::chrono::milliseconds(40), wall_now())));
  ASSERT_TRUE(level->put(entry_of(2, "long", wall_now() + std::chrono::hours(1), wall_now())));
  ASSERT_TRUE(level->flush());
  auto connection = RedisConnection::open(server_.address(), std::chrono::seconds(1));
  ASSERT_TRUE(connection);
  const auto names = [&] {
    std::string cursor = "0";
    return connection->scan(cursor, "sovereign:*")->size();
  };
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (value_of(*level, 1) != "(none)" && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  EXPECT_EQ(value_of(*level, 1), "(none)");
  EXPECT_EQ(value_of(*level, 2), "long");
  // The server counts from when it was told, which is a little later.
  while (names() != 1 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(names(), 1u) << "the server forgets it by itself";
}

TEST_F(RedisLevelTest, AnotherVersionsAnswersAreNotSeenAndNotCleared) {
  const auto old_version = open();
  const auto new_version = open(Stamp("2.0", ""));
  ASSERT_TRUE(old_version->put(entry_of(1, "old")));
  ASSERT_TRUE(new_version->put(entry_of(2, "new")));
  ASSERT_TRUE(old_version->flush());
  ASSERT_TRUE(new_version->flush());
  EXPECT_EQ(value_of(*new_version, 1), "(none)");
  ASSERT_TRUE(new_version->clear());
  EXPECT_EQ(value_of(*new_version, 2), "(none)");
  EXPECT_EQ(value_of(*old_version, 1), "old");
}

TEST_F(RedisLevelTest, ClearingManyAnswers) {
  const auto level = open();
  for (std::uint64_t id = 0; id < 3000; ++id) ASSERT_TRUE(level->put(entry_of(id, "x")));
  ASSERT_TRUE(level->flush());
  EXPECT_EQ(value_of(*level, 2999), "x");
  ASSERT_TRUE(level->clear());
  for (std::uint64_t id = 0; id < 3000; id += 100) EXPECT_EQ(value_of(*level, id), "(none)");
}

TEST_F(RedisLevelTest, DamagedAndForeignRecordsAreMisses) {
  const auto level = open();
  auto connection = RedisConnection::open(server_.address(), std::chrono::seconds(1));
  ASSERT_TRUE(connection);
  const std::string name =
      "sovereign:" + to_hex(kStamp.fingerprint()) + ":" + to_hex(hash128(encoding_of(1)));
  const auto set = [&](std::string value) {
    const RedisConnection::Command command{"SET", name, std::move(value)};
    ASSERT_TRUE(connection->run_all(std::span(&command, 1)));
  };
  set("nonsense");
  EXPECT_EQ(value_of(*level, 1), "(none)");
  std::string record = encode_record(*entry_of(1, "right"), kStamp);
  set(record);
  EXPECT_EQ(value_of(*level, 1), "right");
  record[record.size() / 2] ^= 1;
  set(record);
  EXPECT_EQ(value_of(*level, 1), "(none)");
  set(encode_record(*entry_of(2, "of another key"), kStamp));
  EXPECT_EQ(value_of(*level, 1), "(none)");
  EXPECT_EQ(level->stats().corrupt, 3u);
}

TEST_F(RedisLevelTest, DeathIsAMissAndTheLevelComesBack) {
  const auto level = open();
  ASSERT_TRUE(level->put(entry_of(1, "before")));
  ASSERT_TRUE(level->flush());
  server_.kill_9();
  EXPECT_EQ(value_of(*level, 1), "(none)");
  EXPECT_FALSE(level->stats().healthy);
  EXPECT_TRUE(level->put(entry_of(2, "meanwhile"))) << "it waits";
  EXPECT_EQ(value_of(*level, 2), "meanwhile");
  EXPECT_FALSE(level->flush());
  EXPECT_FALSE(level->clear());
  EXPECT_TRUE(level->put(entry_of(3, "after the clear")));
  server_.start();
  ASSERT_TRUE(server_.running());
  until_healthy(*level);
  ASSERT_TRUE(level->flush());
  EXPECT_EQ(value_of(*open(), 3), "after the clear");
  EXPECT_EQ(value_of(*open(), 2), "(none)") << "the clear that failed is not forgotten";
}

// A frozen server takes connections and answers nothing.
TEST_F(RedisLevelTest, SilenceCostsOneTimeoutAndIsThenPassedOver) {
  auto config = config_of(server_);
  config.timeout = std::chrono::milliseconds(20);
  config.retry_min = config.retry_max = std::chrono::hours(1);
  RedisLevel level(config, kStamp);
  ASSERT_TRUE(level.flush());
  server_.freeze();
  for (std::uint64_t id = 0; id < 1000; ++id) EXPECT_EQ(value_of(level, id), "(none)");
  EXPECT_EQ(level.stats().errors, 1u) << "only the first waited";
  server_.thaw();
}

// The limit was on each read, so that a byte now and then held a query for as long as it
// pleased.
TEST(RedisLevelSlow, AnAnswerThatDripsIsNotWaitedFor) {
  SlowRedis server(SlowRedis::Manner::drips);
  RedisLevelConfig config;
  config.address = server.address();
  config.retry_min = config.retry_max = std::chrono::hours(1);
  RedisLevel level(config, kStamp);
  ASSERT_TRUE(level.flush());
  const std::string encoding = encoding_of(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(level.get(key_of(encoding), wall_now()), nullptr);
  EXPECT_EQ(server.gets(), 1u) << "only the first waited";
  EXPECT_EQ(level.stats().errors, 1u);
  EXPECT_FALSE(level.stats().healthy);
}

// A server that was never late, but always nearly, was asked for ever.
TEST(RedisLevelSlow, AServerThatIsAlwaysNearlyLateIsPassedOver) {
  SlowRedis server(SlowRedis::Manner::delays, std::chrono::milliseconds(45));
  RedisLevelConfig config;
  config.address = server.address();
  config.retry_min = config.retry_max = std::chrono::hours(1);
  RedisLevel level(config, kStamp);
  ASSERT_TRUE(level.flush());
  const std::string encoding = encoding_of(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(level.get(key_of(encoding), wall_now()), nullptr);
  EXPECT_GE(server.gets(), 1u);
  EXPECT_LE(server.gets(), 8u);
  EXPECT_EQ(level.stats().errors, 1u);
  EXPECT_FALSE(level.stats().healthy);
  EXPECT_TRUE(level.put(entry_of(1, "x"))) << "it waits for its time";
}

TEST(RedisLevelSlow, QueriesDoNotQueueForOneConnection) {
  SlowRedis server(SlowRedis::Manner::drips);
  RedisLevelConfig config;
  config.address = server.address();
  config.timeout = std::chrono::seconds(30);
  RedisLevel level(config, kStamp);
  ASSERT_TRUE(level.flush());
  const std::string encoding = encoding_of(1);
  std::vector<std::thread> waiting;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    waiting.emplace_back([&] { EXPECT_EQ(level.get(key_of(encoding), wall_now()), nullptr); });
    while (server.gets() < i) std::this_thread::yield();
  }
  EXPECT_EQ(level.get(key_of(encoding), wall_now()), nullptr) << "all are in use: a miss, at once";
  EXPECT_EQ(server.gets(), 4u);
  server.hang_up();
  for (std::thread& each : waiting) each.join();
}

TEST_F(RedisLevelTest, AQueueThatIsFullRefuses) {
  server_.kill_9();
  auto config = config_of(server_);
  config.max_queue_bytes = 4096;
  RedisLevel level(config, kStamp);
  std::size_t accepted = 0;
  for (std::uint64_t id = 0; id < 100; ++id)
    accepted += level.put(entry_of(id, std::string(200, 'x'))) ? 1 : 0;
  EXPECT_GT(accepted, 0u);
  EXPECT_LT(accepted, 20u);
  EXPECT_GT(level.stats().refusals, 0u);
}

TEST_F(RedisLevelTest, AFullServerLosesAnswersAndNothingElse) {
  RedisServer small(0, {"--maxmemory", "1", "--maxmemory-policy", "noeviction"});
  ASSERT_TRUE(small.running());
  RedisLevel level(config_of(small), kStamp);
  ASSERT_TRUE(level.put(entry_of(1, "x")));
  EXPECT_TRUE(level.flush());
  EXPECT_EQ(value_of(level, 1), "(none)");
  EXPECT_TRUE(level.stats().healthy);
  EXPECT_EQ(level.stats().refusals, 1u) << "issue 3, C22: it was counted nowhere";
  EXPECT_EQ(level.stats().writes, 0u);
}

// The older answer stayed, and was found again.
TEST_F(RedisLevelTest, AnAnswerThatIsRefusedLeavesNoOlderOneBehind) {
  const auto level = open();
  ASSERT_TRUE(level->put(entry_of(1, "old")));
  ASSERT_TRUE(level->flush());
  tell({"CONFIG", "SET", "maxmemory", "1"});
  ASSERT_TRUE(level->put(entry_of(1, "new")));
  EXPECT_TRUE(level->flush());
  EXPECT_EQ(level->stats().refusals, 1u);
  EXPECT_EQ(level->stats().writes, 1u);
  EXPECT_TRUE(level->stats().healthy);
  EXPECT_EQ(value_of(*level, 1), "(none)");
  EXPECT_EQ(value_of(*open(), 1), "(none)");
}

// It had ended before it was sent.
TEST_F(RedisLevelTest, AnAnswerThatEndsWhileItWaitsLeavesNoOlderOneBehind) {
  const auto level = open();
  ASSERT_TRUE(level->put(entry_of(1, "old")));
  ASSERT_TRUE(level->flush());
  ASSERT_TRUE(level->put(entry_of(1, "short", wall_now(), wall_now())));
  ASSERT_TRUE(level->flush());
  EXPECT_EQ(value_of(*open(), 1), "(none)");
}

// It was lost, and the answer found again by every node.
TEST_F(RedisLevelTest, AnErasureThatIsRefusedIsNotLost) {
  const auto level = open();
  ASSERT_TRUE(level->put(entry_of(1, "x")));
  ASSERT_TRUE(level->flush());
  tell({"REPLICAOF", "127.0.0.1", "1"});  // read-only from now on, with what it has
  level->erase(hash128(encoding_of(1)));
  EXPECT_FALSE(level->flush());
  EXPECT_FALSE(level->stats().healthy);
  EXPECT_EQ(value_of(*level, 1), "(none)");
  EXPECT_EQ(value_of(*open(), 1), "x") << "the server has it still";
  tell({"REPLICAOF", "NO", "ONE"});
  until_healthy(*level);
  EXPECT_EQ(value_of(*open(), 1), "(none)");
}

TEST_F(RedisLevelTest, APasswordIsSentAndAWrongOneIsAMiss) {
  RedisServer guarded(0, {"--requirepass", "secret"});
  ASSERT_TRUE(guarded.running());
  auto config = config_of(guarded);
  config.address.password = "wrong";
  const auto until_it_answers = [&](RedisLevel& level, bool good) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (level.flush().has_value() != good) ASSERT_LT(std::chrono::steady_clock::now(), give_up);
  };
  {
    RedisLevel refused(config, kStamp);
    EXPECT_FALSE(refused.flush());
    EXPECT_EQ(value_of(refused, 1), "(none)");
  }
  config.address.password = "secret";
  RedisLevel level(config, kStamp);
  until_it_answers(level, true);
  ASSERT_TRUE(level.put(entry_of(1, "x")));
  ASSERT_TRUE(level.flush());
  EXPECT_EQ(value_of(level, 1), "x");
}

// Many threads ask and put while the server dies and comes back: answers are right or missing.
TEST_F(RedisLevelTest, DeathUnderLoad) {
  std::vector<std::unique_ptr<CacheLevel>> levels;
  auto config = config_of(server_);
  config.timeout = std::chrono::milliseconds(100);
  levels.push_back(std::make_unique<RedisLevel>(config, kStamp));
  ResponseCacheConfig small;
  small.memory.max_entries = 8;
  ResponseCache answers(small, std::move(levels));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> hits{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = t; !stop; i += 3) {
        const std::uint64_t id = i % 64;
        const std::string encoding = encoding_of(id);
        if (const auto hit = answers.find(key_of(encoding), wall_now())) {
          ASSERT_EQ(hit->entry->value(), "value " + std::to_string(id));
          ++hits;
        } else {
          answers.put(key_of(encoding), "value " + std::to_string(id), wall_now());
        }
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    const auto until = hits + 500;
    while (hits < until) std::this_thread::yield();
    server_.kill_9();
    const auto more = hits + 10;
    while (hits < more) std::this_thread::yield();  // memory and queue go on answering
    server_.start();
    ASSERT_TRUE(server_.running());
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace sovereign::cache
