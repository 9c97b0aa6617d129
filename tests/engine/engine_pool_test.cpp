#include "engine/engine_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "engine/pool_choice.h"
#include "played_engine.h"
#include "recording_sink.h"

namespace sovereign::engine {
namespace {

using Running = std::vector<std::uint32_t>;

TEST(PoolChoice, TakesTheOneWithTheLeastToDo) {
  EXPECT_EQ(choose_engine(Running{2, 1, 3}, 4, 1, std::nullopt), 1U);
  EXPECT_EQ(choose_engine(Running{}, 4, 1, std::nullopt), std::nullopt);
}

TEST(PoolChoice, NobodyTakesWhatDoesNotFitButTheIdleTakeAnything) {
  EXPECT_EQ(choose_engine(Running{4, 4}, 4, 1, std::nullopt), std::nullopt);
  EXPECT_EQ(choose_engine(Running{3, 4}, 4, 2, std::nullopt), std::nullopt);
  EXPECT_EQ(choose_engine(Running{3, 0}, 4, 9, std::nullopt), 1U);
}

TEST(PoolChoice, ABeginningKeepsItsEngineUntilThatHasMoreToDo) {
  for (std::uint64_t beginning = 0; beginning < 100; ++beginning) {
    const auto preferred = choose_engine(Running{0, 0, 0, 0}, 4, 1, beginning);
    ASSERT_TRUE(preferred);
    Running running(4, 0);
    running[*preferred] = 1;
    EXPECT_EQ(choose_engine(running, 4, 1, beginning), preferred);
    running[*preferred] = 2;
    EXPECT_NE(choose_engine(running, 4, 1, beginning), preferred);
  }
}

TEST(PoolChoice, BeginningsAreSpread) {
  Running chosen(4, 0);
  for (std::uint64_t beginning = 0; beginning < 1000; ++beginning) {
    ++chosen[*choose_engine(Running{0, 0, 0, 0}, 4, 1, beginning)];
  }
  for (const auto count : chosen) EXPECT_GT(count, 150U);
}

TEST(PoolChoice, OnlyTheBeginningCounts) {
  std::vector<Token> prompt(80, 7);
  const auto beginning = beginning_of(prompt);
  ASSERT_TRUE(beginning);
  prompt.back() = 8;
  EXPECT_EQ(beginning_of(prompt), beginning);
  prompt.front() = 8;
  EXPECT_NE(beginning_of(prompt), beginning);
  prompt.resize(20);
  EXPECT_EQ(beginning_of(prompt), std::nullopt);
}

class EnginePoolTest : public testing::Test {
 protected:
  void make_pool(std::size_t engines, std::uint32_t capacity, std::uint32_t max_queued,
                 bool at_once = false) {
    std::vector<std::unique_ptr<InferenceEngine>> all;
    for (std::size_t i = 0; i < engines; ++i) {
      auto engine = std::make_unique<PlayedEngine>(alive_, at_once);
      engines_.push_back(engine.get());
      all.push_back(std::move(engine));
    }
    pool_ = std::make_unique<EnginePool>(std::move(all), capacity, max_queued);
  }
  std::shared_ptr<RecordingSink> ask(std::optional<Time> deadline = std::nullopt) {
    auto sink = std::make_shared<RecordingSink>();
    auto asked = request();
    asked.deadline = deadline;
    const auto id = pool_->submit(std::move(asked), sink);
    EXPECT_TRUE(id) << id.error().message;
    last_ = id.value_or(0);
    return sink;
  }
  static GenerationRequest request() {
    GenerationRequest made;
    made.prompt = {1};
    return made;
  }
  static std::optional<FinishReason> finish_of(const std::shared_ptr<RecordingSink>& sink) {
    sink->wait_done();
    return sink->choice().finish;
  }

  std::atomic<int> alive_{0};
  std::vector<PlayedEngine*> engines_;
  std::unique_ptr<EnginePool> pool_;
  RequestId last_ = 0;
};

TEST_F(EnginePoolTest, RequestsAreDividedAndThoseThatFindNoRoomWaitForWhoIsFreeFirst) {
  make_pool(2, 2, 10);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < 5; ++i) sinks.push_back(ask());
  EXPECT_EQ(engines_[0]->open(), 2U);
  EXPECT_EQ(engines_[1]->open(), 2U);
  EXPECT_FALSE(pool_->idle());
  engines_[1]->finish_all();
  while (sinks[4]->dones() == 0) engines_[1]->finish_all();  // it went to the one that was free
  EXPECT_EQ(finish_of(sinks[4]), FinishReason::stop);
  EXPECT_EQ(engines_[0]->open(), 2U);
  engines_[0]->finish_all();
  for (const auto& sink : sinks) EXPECT_EQ(finish_of(sink), FinishReason::stop);
}

TEST_F(EnginePoolTest, TheQueueHasABound) {
  make_pool(1, 1, 1);
  const auto running = ask();
  const auto waiting = ask();
  const auto refused = pool_->submit(request(), std::make_shared<RecordingSink>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EngineMetrics total;
  pool_->add_metrics(total);
  EXPECT_EQ(total.requests_refused, 1U);
  EXPECT_EQ(total.queued, 1U);
}

TEST_F(EnginePoolTest, TheBoundIsOfChoices) {
  make_pool(1, 1, 4);
  const auto running = ask();
  const auto submit = [&](std::uint32_t choices) {
    auto asked = request();
    asked.n = choices;
    return pool_->submit(std::move(asked), std::make_shared<RecordingSink>());
  };
  EXPECT_TRUE(submit(3));
  EXPECT_FALSE(submit(2));
  const auto last = submit(1);
  EXPECT_TRUE(last);
  EXPECT_FALSE(submit(1));
  pool_->cancel(*last);
  EXPECT_TRUE(submit(1)) << "its place is free again";
}

// Who waited was told that its time was over when its turn came.
TEST_F(EnginePoolTest, WhoWaitsEndsAtItsDeadline) {
  make_pool(1, 1, 10);
  const auto running = ask();
  const auto now = SteadyClock().now();
  const auto patient = ask(now + std::chrono::hours(1));
  const auto hasty = ask(now + std::chrono::milliseconds(30));
  const auto late = ask(now - std::chrono::milliseconds(1));
  EXPECT_EQ(finish_of(late), FinishReason::deadline);
  EXPECT_EQ(finish_of(hasty), FinishReason::deadline);
  EXPECT_GE(SteadyClock().now(), now + std::chrono::milliseconds(30));
  EXPECT_EQ(patient->dones(), 0U);
  EngineMetrics total;
  pool_->add_metrics(total);
  EXPECT_EQ(total.requests_expired, 2U);
  EXPECT_EQ(total.queued, 1U);
  while (patient->dones() == 0) engines_[0]->finish_all();
  EXPECT_EQ(finish_of(patient), FinishReason::stop);
  EXPECT_EQ(finish_of(running), FinishReason::stop);
}

TEST_F(EnginePoolTest, WhoRunsAndWhoWaitsMayLeave) {
  make_pool(1, 1, 4);
  const auto running = ask();
  const auto running_id = last_;
  const auto waiting = ask();
  pool_->cancel(last_);
  EXPECT_EQ(finish_of(waiting), FinishReason::cancelled);
  pool_->cancel(running_id);
  EXPECT_EQ(finish_of(running), FinishReason::cancelled);
}

TEST_F(EnginePoolTest, AnEnginesRefusalIsThePools) {
  make_pool(2, 2, 4);
  const auto refused = pool_->submit({}, std::make_shared<RecordingSink>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(pool_->idle());
}

TEST_F(EnginePoolTest, ItsEndEndsWhatIsLeft) {
  make_pool(1, 1, 4);
  const auto running = ask();
  const auto waiting = ask();
  pool_.reset();
  EXPECT_EQ(finish_of(running), FinishReason::cancelled);
  EXPECT_EQ(finish_of(waiting), FinishReason::cancelled);
  EXPECT_EQ(alive_, 0);
}

TEST_F(EnginePoolTest, ManyThreadsAskAndAllAreAnswered) {
  make_pool(3, 2, 1000, true);
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto sink = std::make_shared<RecordingSink>();
        if (pool_->submit(request(), sink) && finish_of(sink) == FinishReason::stop) ++answered;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(answered, 1600);
}

}  // namespace
}  // namespace sovereign::engine
