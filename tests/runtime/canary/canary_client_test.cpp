#include "runtime/canary/canary_client.h"

#include "gateway/failure.h"
#include "runtime/pipeline_fixture.h"
#include "support/temporary_folder.h"

namespace sovereign::runtime {
namespace {

using gateway::Arm;
using testing::ClientPtr;
using testing::RecordingClient;
using testing::ScriptedBackend;

SovereignQuery question(std::string content = "Why?") {
  SovereignQuery query;
  query.id = "q";
  query.content = std::move(content);
  query.sampling.temperature = 0;
  return query;
}

class CanaryPipeline : public testing::PipelineFixture {
 protected:
  CanaryPipeline() : PipelineFixture({"control", " says"}) {
    pipeline_ = make_pipeline(parts());
    auto with = parts();
    with.variant = "bigger";
    with.variant_configuration = "1";
    variant_pipeline_ = make_pipeline(std::move(with));
    gateway::CanaryConfig config;
    config.name = "bigger";
    config.configuration = "1";
    auto trial = CanaryTrial::open(config, folder_.path() / "canary.json");
    EXPECT_TRUE(trial);
    trial_ = std::move(*trial);
  }

  // Starts a query as the variant, which control takes over when it fails.
  ClientPtr ask_variant(SovereignQuery query) {
    auto client = std::make_shared<RecordingClient>();
    auto watched = std::make_shared<CanaryClient>(trial_, Arm::variant, true, watch_, deadline_, client,
                                                  [this, query](const std::shared_ptr<QueryClient>& again) {
                                                    ++taken_over_;
                                                    pipeline_->start(query, backend_, again);
                                                  });
    variant_pipeline_->start(query, variant_, std::move(watched));
    return client;
  }
  ClientPtr ask_control(SovereignQuery query) {
    auto client = std::make_shared<RecordingClient>();
    pipeline_->start(
        std::move(query), backend_,
        std::make_shared<CanaryClient>(trial_, Arm::control, true, watch_, deadline_, client, nullptr));
    return client;
  }
  void run() {
    variant_->run_to_end();
    backend_->run_to_end();
  }
  ArmCounts control() const { return trial_->view().control; }
  ArmCounts variant() const { return trial_->view().variant; }

  sovereign::testing::TemporaryFolder folder_;
  ManualClock watch_;
  std::optional<Time> deadline_;
  std::shared_ptr<CanaryTrial> trial_;
  std::shared_ptr<const Pipeline> variant_pipeline_;
  std::shared_ptr<ScriptedBackend> variant_ =
      std::make_shared<ScriptedBackend>(std::vector<std::string>{"variant", " says"});
  int taken_over_ = 0;
};

TEST_F(CanaryPipeline, ResultsNameTheVariantAndNotControl) {
  const auto by_variant = ask_variant(question());
  const auto by_control = ask_control(question());
  run();
  ASSERT_NE(by_variant->result(), nullptr);
  EXPECT_EQ(by_variant->result()->variant, "bigger");
  EXPECT_EQ(by_variant->text(), "variant says");
  EXPECT_EQ(by_variant->beginning()->variant, "bigger");
  EXPECT_EQ(by_control->result()->variant, "");
  EXPECT_EQ(by_control->text(), "control says");
  EXPECT_EQ(variant().answered, 1U);
  EXPECT_EQ(control().answered, 1U);
}

TEST_F(CanaryPipeline, CachesAreApartAndHitsAreNotCounted) {
  ask_control(question());
  run();
  const auto first = ask_variant(question());
  run();
  EXPECT_EQ(first->result()->cached.status, CacheNote::Status::miss);
  EXPECT_EQ(first->text(), "variant says");
  const auto second = ask_variant(question());
  EXPECT_EQ(second->result()->cached.status, CacheNote::Status::hit);
  EXPECT_EQ(second->result()->choices.front().message.content, "variant says");
  EXPECT_EQ(second->result()->variant, "bigger");
  const auto third = ask_control(question());
  EXPECT_EQ(third->result()->choices.front().message.content, "control says");
  EXPECT_EQ(variant().answered, 1U);
  EXPECT_EQ(variant().uncounted, 1U);
  EXPECT_EQ(control().answered, 1U);
  EXPECT_EQ(control().uncounted, 1U);
}

TEST_F(CanaryPipeline, ControlAnswersWhereTheVariantCannotBegin) {
  variant_->refuse_with({ErrorCode::unavailable, "down", {}});
  const auto client = ask_variant(question());
  run();
  ASSERT_NE(client->result(), nullptr);
  EXPECT_FALSE(client->failure());
  EXPECT_EQ(client->text(), "control says");
  EXPECT_EQ(client->result()->variant, "");
  EXPECT_EQ(taken_over_, 1);
  EXPECT_EQ(variant().failed, 1U);
  EXPECT_EQ(variant().taken_over, 1U);
  EXPECT_EQ(control().answered, 0U);  // not one of control's share
}

TEST_F(CanaryPipeline, ControlAnswersWhereTheVariantFailsBeforeItsFirstToken) {
  variant_->say({});
  variant_->finish_with(engine::FinishReason::error);
  const auto client = ask_variant(question());
  run();
  ASSERT_NE(client->result(), nullptr);
  EXPECT_EQ(client->text(), "control says");
  EXPECT_EQ(variant().failed, 1U);
}

TEST_F(CanaryPipeline, AfterAFirstTokenTheFailureIsTold) {
  variant_->finish_with(engine::FinishReason::error);
  const auto client = ask_variant(question());
  run();
  EXPECT_TRUE(client->failure());
  EXPECT_EQ(taken_over_, 0);
  EXPECT_EQ(variant().failed, 1U);
}

TEST_F(CanaryPipeline, AnEmptyAnswerIsAnAnswer) {
  variant_->say({});
  const auto client = ask_variant(question());
  run();
  ASSERT_NE(client->result(), nullptr);
  EXPECT_EQ(client->result()->variant, "bigger");
  EXPECT_TRUE(client->beginning());
  EXPECT_EQ(client->deltas(), 1U);  // the end of the choice
  EXPECT_EQ(variant().answered, 1U);
}

TEST_F(CanaryPipeline, AWrongQueryBlamesNobody) {
  variant_->refuse_with({ErrorCode::invalid_argument, "too long", {}});
  backend_->refuse_with({ErrorCode::invalid_argument, "too long", {}});
  const auto client = ask_variant(question());
  run();
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->code, ErrorCode::invalid_argument);
  EXPECT_EQ(variant().failed, 0U);
  EXPECT_EQ(variant().uncounted, 1U);
  const auto of_control = ask_control(question("Else?"));
  run();
  EXPECT_EQ(control().failed, 0U);
  EXPECT_EQ(control().uncounted, 1U);
}

TEST_F(CanaryPipeline, AQueryThatOnlyTheVariantTakesForWrongIsItsFailure) {
  variant_->refuse_with({ErrorCode::invalid_argument, "too long for me", {}});
  const auto client = ask_variant(question());
  run();
  ASSERT_NE(client->result(), nullptr);
  EXPECT_EQ(client->text(), "control says");
  EXPECT_EQ(variant().failed, 1U);
}

TEST_F(CanaryPipeline, OfAClientThatLeavesTheTimeCountsAndNobodyIsAskedForIt) {
  auto drawn = question();
  drawn.sampling.temperature = 1;  // of its own: who leaves a shared answer is told nothing
  const auto client = ask_variant(drawn);
  client->leave();
  run();
  EXPECT_TRUE(client->failure());
  EXPECT_EQ(taken_over_, 0);
  EXPECT_EQ(variant().failed, 0U);
  EXPECT_EQ(variant().answered, 0U);
  EXPECT_EQ(variant().uncounted, 0U);
  EXPECT_EQ(variant().left, 1U);
}

TEST_F(CanaryPipeline, WhoWasToldThatTheTimeIsOverHadAFailure) {
  deadline_ = watch_.now() + std::chrono::seconds(9);
  auto drawn = question();
  drawn.sampling.temperature = 1;
  const auto client = ask_variant(drawn);
  watch_.advance(std::chrono::seconds(9));
  client->leave();  // as the server does then
  EXPECT_EQ(variant().failed, 1U);
  EXPECT_EQ(variant().left, 0U);
}

TEST_F(CanaryPipeline, OfASharedAnswerToo) {
  const auto client = ask_variant(question());
  client->leave();
  EXPECT_EQ(variant().left, 1U);
  run();
  EXPECT_EQ(variant().answered, 0U);
  EXPECT_EQ(variant().uncounted, 0U);
}

TEST_F(CanaryPipeline, WhoLeavesAfterTheEndCountsOnce) {
  const auto client = ask_control(question());
  run();
  client->leave();
  EXPECT_EQ(control().answered, 1U);
  EXPECT_EQ(control().left, 0U);
}

TEST_F(CanaryPipeline, AVariantThatLetsItsClientsWaitUntilTheyLeaveIsRolledBack) {
  for (int i = 0; trial_->phase() == gateway::CanaryPhase::running; ++i) {
    ASSERT_LT(i, 10'000);
    const auto query = question("question " + std::to_string(i));
    if (i % 10 != 0) {
      ask_control(query);
      watch_.advance(std::chrono::milliseconds(100 + i % 37));
      run();
      continue;
    }
    const auto client = ask_variant(query);
    watch_.advance(std::chrono::seconds(30));
    client->leave();
    run();
  }
  EXPECT_EQ(trial_->phase(), gateway::CanaryPhase::rolled_back);
  EXPECT_EQ(variant().answered, 0U);
  EXPECT_GT(variant().left, 0U);
}

TEST_F(CanaryPipeline, WhatBeganInAnEarlierTrialSaysNothingInTheNext) {
  ask_control(question());
  const auto gone = ask_control(question("another"));
  ASSERT_TRUE(trial_->set_control("another control"));
  gone->leave();
  run();
  EXPECT_EQ(control().answered, 0U);
  EXPECT_EQ(control().left, 0U);
  EXPECT_EQ(control().uncounted, 2U);
  EXPECT_EQ(trial_->view().controls, 0);
}

TEST_F(CanaryPipeline, WhoLeavesAfterTheTakeOverStopsControl) {
  variant_->refuse_with({ErrorCode::unavailable, "down", {}});
  auto drawn = question();
  drawn.sampling.temperature = 1;  // of its own: who leaves a shared answer is told nothing
  const auto client = ask_variant(drawn);
  EXPECT_EQ(backend_->running(), 1U);
  client->leave();
  EXPECT_EQ(backend_->running(), 0U);
  EXPECT_TRUE(client->failure());
}

TEST_F(CanaryPipeline, AFailureOfBothIsTold) {
  variant_->refuse_with({ErrorCode::unavailable, "down", {}});
  backend_->refuse_with({ErrorCode::unavailable, "down too", {}});
  const auto client = ask_variant(question());
  run();
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->message, "down too");
  EXPECT_EQ(variant().failed, 1U);
  EXPECT_EQ(control().failed, 0U);
}

TEST_F(CanaryPipeline, TimesAreObserved) {
  ask_control(question());
  watch_.advance(std::chrono::milliseconds(20));
  backend_->run_to_end();
  for (int i = 0; i < 9; ++i) {
    ask_control(question("another " + std::to_string(i)));
    watch_.advance(std::chrono::milliseconds(20));
    run();
  }
  const auto view = trial_->view();
  EXPECT_EQ(view.metrics.front().control.count, 10);
  EXPECT_GT(view.metrics.front().control.mean, 0);
  EXPECT_EQ(view.metrics[1].control.count, 10);
}

}  // namespace
}  // namespace sovereign::runtime
