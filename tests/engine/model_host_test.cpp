#include "engine/model_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "played_engine.h"
#include "recording_sink.h"

namespace sovereign::engine {
namespace {

using namespace std::chrono_literals;

GenerationRequest request(std::optional<Time> deadline = std::nullopt) {
  GenerationRequest made;
  made.prompt = {1, 2, 3};
  made.deadline = deadline;
  return made;
}

class ModelHostTest : public testing::Test {
 protected:
  std::shared_ptr<InferenceEngine> add(const std::string& name, std::uint64_t bytes, bool at_once = true) {
    HostedModel model;
    model.name = name;
    model.bytes = bytes;
    model.context_tokens = 100;
    model.load = [this, name, at_once]() -> result<std::shared_ptr<InferenceEngine>> {
      ++loads_;
      gate_.wait();
      if (broken_) return fail(ErrorCode::corrupt, name + " is damaged");
      auto engine = std::make_shared<PlayedEngine>(alive_, at_once);
      {
        const std::lock_guard lock(mutex_);
        latest_made_ = engine;
      }
      return engine;
    };
    return host_->add(std::move(model));
  }
  std::shared_ptr<PlayedEngine> latest() {
    const std::lock_guard lock(mutex_);
    return latest_made_.lock();
  }
  void open_gate() { opened_.set_value(); }
  // Waits for something that another thread does; the test's own time limit ends a wait in vain.
  template <class Condition>
  static void wait_for(Condition condition) {
    while (!condition()) std::this_thread::yield();
  }
  static std::optional<FinishReason> finish_of(const std::shared_ptr<RecordingSink>& sink) {
    sink->wait_done();
    return sink->choice().finish;
  }
  std::shared_ptr<RecordingSink> ask(InferenceEngine& engine) {
    auto sink = std::make_shared<RecordingSink>();
    const auto id = engine.submit(request(), sink);
    EXPECT_TRUE(id) << id.error().message;
    return sink;
  }

  SteadyClock clock_;
  std::atomic<int> alive_{0};
  std::atomic<int> loads_{0};
  std::atomic<bool> broken_{false};
  std::promise<void> opened_;
  std::shared_future<void> gate_ = opened_.get_future().share();
  std::mutex mutex_;
  std::weak_ptr<PlayedEngine> latest_made_;  // guarded by mutex_
  std::unique_ptr<ModelHost> host_ =
      std::make_unique<ModelHost>(ModelHostConfig{{.budget_bytes = 100}, 60s, 4}, clock_);
};

TEST_F(ModelHostTest, LoadsAModelForItsFirstRequestAndKeepsIt) {
  open_gate();
  const auto model = add("a", 60);
  EXPECT_FALSE(model->in_memory());
  EXPECT_EQ(finish_of(ask(*model)), FinishReason::stop);
  EXPECT_TRUE(model->in_memory());
  EXPECT_EQ(finish_of(ask(*model)), FinishReason::stop);
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(host_->bytes_in_use(), 60U);
}

TEST_F(ModelHostTest, TellsHowAModelIs) {
  using Is = EngineStatus::State;
  const auto model = add("a", 60);
  EXPECT_EQ(model->status().state, Is::cold);
  const auto sink = ask(*model);
  wait_for([&] { return loads_ == 1; });
  EXPECT_EQ(model->status().state, Is::loading);
  broken_ = true;
  open_gate();
  EXPECT_EQ(finish_of(sink), FinishReason::error);
  EXPECT_EQ(model->status().state, Is::failed);
  EXPECT_NE(model->status().detail.find("a is damaged"), std::string::npos);
}

TEST_F(ModelHostTest, AnIdleModelMakesRoomAndItsCountersAreKept) {
  open_gate();
  const auto a = add("a", 60);
  const auto b = add("b", 60);
  ask(*a)->wait_done();
  ask(*b)->wait_done();
  EXPECT_FALSE(a->in_memory());
  EXPECT_EQ(alive_, 1);
  EngineMetrics total;
  a->add_metrics(total);
  EXPECT_EQ(total.requests_finished, 1U);
  EXPECT_EQ(total.kv_cells_total, 0U);  // a gauge of what is gone
  b->add_metrics(total);
  EXPECT_EQ(total.requests_finished, 2U);
  ask(*a)->wait_done();
  EXPECT_EQ(loads_, 3);
}

TEST_F(ModelHostTest, AModelThatAnswersStaysUntilItsAnswerIsThere) {
  open_gate();
  const auto a = add("a", 60, false);
  const auto b = add("b", 60);
  const auto first = ask(*a);
  wait_for([&] { return latest() != nullptr && latest()->open() == 1; });
  const auto engine = latest();
  const auto second = ask(*b);
  EXPECT_FALSE(a->idle());
  EXPECT_TRUE(a->in_memory());
  engine->finish_all();
  EXPECT_EQ(finish_of(first), FinishReason::stop);
  EXPECT_EQ(finish_of(second), FinishReason::stop);
  EXPECT_FALSE(a->in_memory());
}

TEST_F(ModelHostTest, AFailureIsToldToThoseWhoWaitAndToThoseWhoComeSoonAfter) {
  broken_ = true;
  open_gate();
  const auto model = add("a", 60);
  const auto summary = ask(*model)->wait_done();
  ASSERT_TRUE(summary.error);
  EXPECT_EQ(summary.error->code, ErrorCode::unavailable);
  EXPECT_THAT(summary.error->message, testing::HasSubstr("a is damaged"));
  const auto again = model->submit(request(), std::make_shared<RecordingSink>());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, testing::HasSubstr("a is damaged"));
  EXPECT_TRUE(model->idle());
}

TEST_F(ModelHostTest, TheFirstRequestAfterAFailureTriesAgain) {
  host_->configure({{.budget_bytes = 100, .after_failure = 0s}, 60s, 4});
  broken_ = true;
  open_gate();
  const auto model = add("a", 60);
  ask(*model)->wait_done();
  broken_ = false;
  EXPECT_EQ(finish_of(ask(*model)), FinishReason::stop);
}

TEST_F(ModelHostTest, ARequestWaitsUntilItsDeadlineOnly) {
  const auto model = add("a", 60);
  const auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(model->submit(request(clock_.now() + 1ms), sink));
  EXPECT_EQ(finish_of(sink), FinishReason::deadline);  // while the load still goes on
  EXPECT_TRUE(model->idle());
  open_gate();
}

// It was told that its own time was over, and so was no other model asked.
TEST_F(ModelHostTest, ALoadThatTakesTooLongIsTheModelsFaultNotTheRequests) {
  host_->configure({{.budget_bytes = 100}, 10ms, 4});
  const auto model = add("a", 60);
  const auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(model->submit(request(clock_.now() + 60s), sink));
  const auto summary = sink->wait_done();
  EXPECT_EQ(sink->choice().finish, FinishReason::error);
  ASSERT_TRUE(summary.error);
  EXPECT_EQ(summary.error->code, ErrorCode::unavailable);
  EXPECT_NE(summary.error->message.find("model.load_timeout"), std::string::npos) << summary.error->message;
  open_gate();
}

TEST_F(ModelHostTest, WhoeverWaitsMayLeave) {
  const auto model = add("a", 60);
  const auto sink = std::make_shared<RecordingSink>();
  const auto id = model->submit(request(), sink);
  ASSERT_TRUE(id);
  model->cancel(*id);
  EXPECT_EQ(finish_of(sink), FinishReason::cancelled);
  open_gate();
}

TEST_F(ModelHostTest, ACancelReachesTheEngine) {
  open_gate();
  const auto model = add("a", 60, false);
  const auto sink = std::make_shared<RecordingSink>();
  const auto id = model->submit(request(), sink);
  ASSERT_TRUE(id);
  wait_for([&] { return latest() != nullptr && latest()->open() == 1; });
  model->cancel(*id);
  EXPECT_EQ(finish_of(sink), FinishReason::cancelled);
}

TEST_F(ModelHostTest, MoreWhoWaitThanAllowedAreRefused) {
  const auto model = add("a", 60);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < 4; ++i) sinks.push_back(ask(*model));
  const auto refused = model->submit(request(), std::make_shared<RecordingSink>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  open_gate();
  for (const auto& sink : sinks) EXPECT_EQ(finish_of(sink), FinishReason::stop);
}

TEST_F(ModelHostTest, WhatCanNeverFitIsRefused) {
  const auto model = add("a", 101);
  const auto refused = model->submit(request(), std::make_shared<RecordingSink>());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("memory_budget"));
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported) << "waiting would not help";
}

TEST_F(ModelHostTest, ARequestThatTheEngineRefusesEndsWithItsError) {
  open_gate();
  const auto model = add("a", 60);
  const auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(model->submit({}, sink));  // nobody knows yet
  ASSERT_TRUE(sink->wait_done().error);
  EXPECT_FALSE(model->submit({}, std::make_shared<RecordingSink>()));
  EXPECT_TRUE(model->idle());
}

TEST_F(ModelHostTest, AModelThatIsNoLongerServedLeavesMemory) {
  open_gate();
  auto model = add("a", 60);
  ask(*model)->wait_done();
  model.reset();
  wait_for([&] { return alive_ == 0; });
  EXPECT_TRUE(add("a", 60)->idle());
}

TEST_F(ModelHostTest, TheEndOfTheHostEndsWhatIsLeft) {
  open_gate();
  const auto model = add("a", 60, false);
  const auto sink = ask(*model);
  wait_for([&] { return latest() != nullptr && latest()->open() == 1; });
  host_.reset();
  EXPECT_EQ(finish_of(sink), FinishReason::cancelled);
  EXPECT_EQ(alive_, 0);
  EXPECT_FALSE(model->submit(request(), std::make_shared<RecordingSink>()));
}

// Many models, little room, many threads: everyone is answered, and never is there more than fits.
TEST_F(ModelHostTest, ManyAskForMoreModelsThanFit) {
  open_gate();
  host_->configure({{.budget_bytes = 100, .turn = 1ms}, 60s, 1000});
  std::vector<std::shared_ptr<InferenceEngine>> models;
  for (int i = 0; i < 5; ++i) models.push_back(add(std::to_string(i), 40));
  std::atomic<int> answered{0};
  std::atomic<bool> too_many{false};
  std::vector<std::thread> clients;
  for (std::size_t client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      for (std::size_t i = 0; i < 50; ++i) {
        const auto sink = std::make_shared<RecordingSink>();
        if (models[(client * 7 + i * 3) % models.size()]->submit(request(), sink)) {
          if (finish_of(sink) == FinishReason::stop) ++answered;
        }
        if (alive_ > 2) too_many = true;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(answered, 400);
  EXPECT_FALSE(too_many);
}

}  // namespace
}  // namespace sovereign::engine
