// Reasoning in the pipeline, with a scripted model: thoughts, what they lead to, and what ends them.
#include "runtime/stages/reasoning.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "gateway/gateway.h"
#include "runtime/pipeline_fixture.h"

namespace sovereign::runtime {
namespace {

using testing::ClientPtr;
using testing::RecordingClient;
using testing::ScriptedBackend;

const std::vector<std::string> kFour = {"2 ", "and ", "2 ", "make ", "4. ", "Answer: 4"};
const std::vector<std::string> kFive = {"2 ", "and ", "2 ", "make ", "5. ", "Answer: 5"};
const std::vector<std::string> kFinal = {"It is ", "four."};

SovereignQuery sum(std::uint32_t depth) {
  SovereignQuery query;
  query.id = "q";
  query.content = "What is 2 + 2?";
  query.system = "Be exact.";
  query.max_depth = depth;
  query.require_reasoning = true;
  query.sampling.temperature = 0;
  return query;
}

class ReasoningStageTest : public testing::PipelineFixture {
 protected:
  ReasoningStageTest() : PipelineFixture(kFinal) {
    policy_.graph.branches = 3;
    make();
  }
  void make() {
    PipelineParts all = parts();
    all.reasoning = policy_;
    pipeline_ = make_pipeline(std::move(all));
  }

  ReasoningPolicy policy_;
};

TEST_F(ReasoningStageTest, ThoughtsAreWrittenAtOnceAndTheBestLeadsToTheAnswer) {
  backend_->say_in_turn({kFour, kFour, kFive});
  const auto client = ask(sum(1));
  EXPECT_EQ(backend_->running(), 3u) << "the branches of a level run beside each other";
  EXPECT_EQ(client->deltas(), 0u);
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->text(), "It is four.") << "the answer streams, the thoughts do not";
  const auto reasoning = client->result()->reasoning;
  ASSERT_TRUE(reasoning);
  EXPECT_EQ(reasoning->conclusion, "4");
  EXPECT_EQ(reasoning->graph.size(), 4u);
  EXPECT_EQ(reasoning->levels, 1u);
  EXPECT_TRUE(reasoning->graph.at(1).scores.likelihood) << "thoughts are scored by the model's likelihood";
  EXPECT_EQ(client->result()->usage.reasoning_tokens, 18u);
  EXPECT_EQ(client->result()->usage.completion_tokens, 20u);
  const auto requests = backend_->requests();
  ASSERT_EQ(requests.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(requests[i].input.messages_json, requests[0].input.messages_json) << "what a level shares";
    EXPECT_FALSE(requests[i].sampling.greedy()) << "thoughts must differ";
  }
  EXPECT_NE(requests[0].sampling.seed, requests[1].sampling.seed);
  EXPECT_TRUE(requests[3].sampling.greedy()) << "the answer is sampled as the query says";
  EXPECT_NE(requests[3].input.messages_json.find("2 and 2 make 4. Answer: 4"), std::string::npos);
  EXPECT_NE(requests[3].input.messages_json.find("Be exact."), std::string::npos);
  EXPECT_EQ(requests[3].input.messages_json.find("make 5"), std::string::npos);
}

TEST_F(ReasoningStageTest, LevelsFollowUntilThoughtsAgree) {
  backend_->say_in_turn({kFour, kFive, {"no idea"}, kFour, kFour, kFour});
  const auto client = ask_to_end(sum(4));
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->result()->reasoning->levels, 2u);
  EXPECT_EQ(client->result()->reasoning->stop, StopReason::agreement);
  EXPECT_EQ(client->result()->reasoning->conclusion, "4");
}

TEST_F(ReasoningStageTest, TheServersDepthIsTheMost) {
  policy_.graph.max_depth = 1;
  policy_.default_depth = 1;
  policy_.graph.stop_agreement = 2;
  make();
  EXPECT_EQ(ask_to_end(sum(9))->result()->reasoning->levels, 1u);
  auto unsaid = sum(0);
  EXPECT_EQ(ask_to_end(unsaid)->result()->reasoning->levels, 1u);
  unsaid.require_reasoning = false;
  EXPECT_FALSE(ask_to_end(unsaid)->result()->reasoning) << "nobody asked for it";
}

TEST_F(ReasoningStageTest, WithoutAnyThoughtRequiredReasoningIsRefused) {
  backend_->say_in_turn({{}, {}, {}});
  const auto refused = ask_to_end(sum(1));
  ASSERT_TRUE(refused->failure());
  EXPECT_EQ(refused->failure()->code, ErrorCode::unavailable);
  auto allowed = sum(1);
  allowed.require_reasoning = false;
  backend_->say_in_turn({{}, {}, {}});
  const auto answered = ask_to_end(allowed);
  ASSERT_TRUE(answered->result());
  EXPECT_EQ(answered->result()->choices.front().message.content, "It is four.");
  EXPECT_TRUE(answered->result()->reasoning->best_path.empty());
}

TEST_F(ReasoningStageTest, WhatEveryThoughtFailedByIsTold) {
  gateway::Failure full(ErrorCode::resource_exhausted, "full", {}, "queue_full");
  full.retry_after = std::chrono::seconds(3);
  backend_->say_in_turn({{}, {}, {}});
  backend_->fail_in_turn({full, full, full});
  const auto client = ask_to_end(sum(1));
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(client->failure()->reason, "queue_full");
  EXPECT_EQ(client->failure()->retry_after, std::chrono::seconds(3));
  // What the client can mend comes first, in whatever order it is told.
  const gateway::Failure too_long(ErrorCode::invalid_argument, "too long", "messages",
                                  std::string(gateway::kContextLengthExceeded));
  for (std::deque<gateway::Failure> failures : {std::deque{too_long, full, full}, {full, too_long, full}}) {
    backend_->say_in_turn({{}, {}, {}});
    backend_->fail_in_turn(std::move(failures));
    const auto told = ask_to_end(sum(1))->failure();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->reason, gateway::kContextLengthExceeded);
  }
}

// The route was held by the leader's handler alone: the others were told that the model was no longer served.
TEST_F(ReasoningStageTest, TheLeadersClientLeavesBetweenStagesAndItsRouteIsThereForTheOthers) {
  // Jobs run later, as on a worker: between stages nothing but the run is there.
  std::deque<std::function<void()>> jobs;
  PipelineParts all{clock_, [&](std::function<void()> job) { jobs.push_back(std::move(job)); }};
  all.cache = &cache_;
  all.reasoning = policy_;
  pipeline_ = make_pipeline(std::move(all));
  gateway::MemberConfig member;
  member.name = "scripted";
  std::vector<gateway::GatewayMember> members;
  members.push_back({member, backend_});
  const auto gateway = gateway::Gateway::create(
      std::move(members), {}, clock_, [](const std::function<void()>& job) { job(); },
      [](Time, const std::function<void()>&) {});
  backend_->say_in_turn({kFour, kFour, kFive});
  const auto ask_by_route = [&] {
    auto client = std::make_shared<RecordingClient>();
    auto route = gateway->route({.model = "scripted"});
    EXPECT_TRUE(route);
    auto query = sum(1);
    query.cache.mode = CacheMode::force;
    pipeline_->start(std::move(query), *route, client);
    return client;  // and the route is let go of, as by a handler whose client has left
  };
  const auto leader = ask_by_route();
  const auto follower = ask_by_route();
  EXPECT_EQ(backend_->running(), 3u) << "one query's thoughts";
  leader->leave();
  while (backend_->step() || !jobs.empty()) {
    if (jobs.empty()) continue;
    const auto job = std::move(jobs.front());
    jobs.pop_front();
    job();
  }
  ASSERT_TRUE(follower->result()) << follower->failure()->message;
  EXPECT_EQ(follower->text(), "It is four.");
}

TEST_F(ReasoningStageTest, TheClientLeavesAndAllThoughtsEnd) {
  const auto client = ask(sum(2));
  backend_->step();
  client->leave();
  EXPECT_EQ(backend_->running(), 0u);
  EXPECT_EQ(backend_->cancels(), 3u);
  EXPECT_EQ(backend_->generations(), 3u) << "no further level, no answer";
}

TEST_F(ReasoningStageTest, AFoundAnswerHasItsThoughts) {
  backend_->say_in_turn({kFour, kFour, kFour});
  ask_to_end(sum(1));
  const auto again = ask(sum(1));
  ASSERT_TRUE(again->result());
  EXPECT_EQ(again->result()->cached.status, CacheNote::Status::hit);
  ASSERT_TRUE(again->result()->reasoning);
  EXPECT_EQ(again->result()->reasoning->graph.at(1).text, "2 and 2 make 4. Answer: 4");
}

// The second seed was given the first one's answer.
TEST_F(ReasoningStageTest, AnotherSeedHasOtherThoughts) {
  backend_->say_in_turn({kFour, kFour, kFour});
  auto query = sum(1);
  query.sampling.seed = 1;
  ask_to_end(query);
  query.sampling.seed = 2;
  backend_->say_in_turn({kFive, kFive, kFive});
  const auto other = ask_to_end(query);
  ASSERT_TRUE(other->result());
  EXPECT_EQ(other->result()->cached.status, CacheNote::Status::miss);
  EXPECT_EQ(other->result()->reasoning->conclusion, "5");
  query.sampling.seed = 1;
  EXPECT_EQ(ask(query)->result()->reasoning->conclusion, "4");
}

TEST_F(ReasoningStageTest, WhatFollowsFromAnotherModelsThoughtsIsNotKept) {
  backend_->say_in_turn({kFour, kFour, kFour});
  gateway::BackendIdentity other;
  other.model = "fallback";
  other.digest = "sha256:other";
  backend_->redirect_to(other);
  const auto client = ask(sum(1));
  backend_->redirect_to(std::nullopt);
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->result()->model_used, "scripted");
  const std::size_t made = backend_->generations();
  ask_to_end(sum(1));
  EXPECT_GT(backend_->generations(), made) << "it was not found";
}

TEST_F(ReasoningStageTest, WhatTimeCutShortIsNotKept) {
  policy_.graph.max_time = std::chrono::nanoseconds(1);
  make();
  backend_->say_in_turn({kFour, kFive, {"no idea"}});
  const auto client = ask_to_end(sum(3));
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->result()->reasoning->stop, StopReason::time);
  EXPECT_EQ(ask_to_end(sum(3))->result()->cached.status, CacheNote::Status::miss);
}

// A greedy query without `cache` was given what time had cut short of one with `cache: "force"`.
TEST_F(ReasoningStageTest, WhatTimeCutShortIsKeptOnlyWhereAllWhoFindItForcedIt) {
  policy_.graph.max_time = std::chrono::nanoseconds(1);
  make();
  auto forced = sum(3);
  forced.cache.mode = CacheMode::force;
  backend_->say_in_turn({kFour, kFive, {"no idea"}});
  ASSERT_EQ(ask_to_end(forced)->result()->reasoning->stop, StopReason::time);
  EXPECT_EQ(ask_to_end(sum(3))->result()->cached.status, CacheNote::Status::miss);
  forced.sampling.temperature = 1;
  backend_->say_in_turn({kFour, kFive, {"no idea"}});
  ASSERT_EQ(ask_to_end(forced)->result()->reasoning->stop, StopReason::time);
  EXPECT_EQ(ask(forced)->result()->cached.status, CacheNote::Status::hit);
}

TEST_F(ReasoningStageTest, AConversationIsNotThoughtOver) {
  SovereignQuery chat;
  chat.chat.messages_json = R"([{"role":"user","content":"hi"}])";
  chat.max_depth = 3;
  chat.sampling.temperature = 0;
  EXPECT_FALSE(ask_to_end(chat)->result()->reasoning);
}

}  // namespace
}  // namespace sovereign::runtime
