#include "runtime/reasoning/reasoner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sovereign::runtime {
namespace {

constexpr std::string_view kQuestion = "How much is 3 + 4?";

ReasoningConfig small_config() {
  ReasoningConfig config;
  config.branches = 3;
  config.max_depth = 2;
  config.max_thought_tokens = 50;
  config.max_tokens = 1000;
  config.stop_agreement = 1.1;
  return config;
}

ThoughtResult answer(ThoughtId id, std::string text, std::vector<float> logprobs = {}) {
  ThoughtResult result;
  result.id = id;
  result.text = std::move(text);
  result.logprobs = std::move(logprobs);
  result.tokens = 10;
  result.ending = omega::Ending::complete;
  return result;
}

ThoughtResult failure(ThoughtId id) {
  ThoughtResult result;
  result.id = id;
  result.error = "out of memory";
  return result;
}

TEST(Reasoner, FirstLevelAsksTheQuestionWithDifferentSeeds) {
  ReasoningConfig config = small_config();
  config.seed = 7;
  Reasoner reasoner(kQuestion, config);
  const auto requests = reasoner.next(Time{});
  ASSERT_EQ(requests.size(), 3u);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i].turns, explore_turns(config.prompts, kQuestion));
    EXPECT_EQ(requests[i].seed, 7 + requests[i].id);
    EXPECT_EQ(requests[i].max_tokens, 50u);
    EXPECT_EQ(requests[i].id, i + 1);
  }
  EXPECT_FALSE(reasoner.level_complete());
}

TEST(Reasoner, SecondLevelMergesWhatDiffersAndRefinesTheBest) {
  Reasoner reasoner(kQuestion, small_config());
  reasoner.next(Time{});
  reasoner.on_result(answer(1, "Answer: 8"));
  reasoner.on_result(answer(2, "So: Answer: 7"));
  reasoner.on_result(answer(3, "Thus Answer: 7"));
  ASSERT_TRUE(reasoner.level_complete());
  const auto requests = reasoner.next(Time{});
  ASSERT_EQ(requests.size(), 3u);
  const ReasoningOutcome so_far = reasoner.outcome();
  const auto& merge = so_far.graph.at(4);
  EXPECT_EQ(merge.kind, ThoughtKind::merge);
  EXPECT_EQ(merge.parents, (std::vector<ThoughtId>{2, 1}));  // two votes come before one
  EXPECT_EQ(merge.depth, 2u);
  EXPECT_EQ(so_far.graph.at(5).kind, ThoughtKind::refine);
  EXPECT_EQ(so_far.graph.at(5).parents, std::vector<ThoughtId>{2});
  EXPECT_EQ(so_far.graph.at(6).parents, std::vector<ThoughtId>{1});
  ASSERT_EQ(requests[0].turns.size(), 3u);
  EXPECT_EQ(requests[0].turns[0], explore_turns(small_config().prompts, kQuestion)[0]);
  EXPECT_EQ(requests[0].turns[1], (Turn{"assistant", "So: Answer: 7"}));
  EXPECT_NE(requests[0].turns[2].content.find("Answer: 8"), std::string::npos);
}

TEST(Reasoner, TheHeaviestClusterAnswers) {
  ReasoningConfig config = small_config();
  config.max_depth = 1;
  Reasoner reasoner(kQuestion, config);
  reasoner.next(Time{});
  reasoner.on_result(answer(1, "Answer: 8", std::vector<float>(5, -0.01F)));  // sure of itself, and alone
  reasoner.on_result(answer(2, "Answer: 7", std::vector<float>(5, -3.0F)));
  reasoner.on_result(answer(3, "Answer: 7.", std::vector<float>(5, -2.5F)));
  EXPECT_TRUE(reasoner.next(Time{}).empty());
  const ReasoningOutcome outcome = reasoner.outcome();
  EXPECT_EQ(outcome.stop, StopReason::depth);
  EXPECT_EQ(outcome.conclusion, "7");
  EXPECT_EQ(outcome.best_path, (std::vector<ThoughtId>{0, 3}));
  EXPECT_EQ(outcome.tokens, 30u);
  EXPECT_EQ(outcome.graph.at(2).scores.agreement, 0.5);
  EXPECT_EQ(outcome.graph.at(1).scores.agreement, 0.0);
}

// A thought alone, of a backend that tells no probabilities, was said to have scored 0.5.
TEST(Reasoner, WhatNothingWasMeasuredOfHasNoTotal) {
  ReasoningConfig config = small_config();
  config.branches = 1;
  config.max_depth = 1;
  for (const bool measured : {false, true}) {
    Reasoner reasoner(kQuestion, config);
    reasoner.next(Time{});
    reasoner.on_result(answer(1, "Answer: 7", std::vector<float>(measured ? 5 : 0, -0.1F)));
    reasoner.next(Time{});
    const ReasoningOutcome outcome = reasoner.outcome();
    EXPECT_EQ(outcome.conclusion, "7") << "it answers all the same";
    EXPECT_EQ(outcome.graph.at(1).scores.total.has_value(), measured);
  }
}

TEST(Reasoner, AgreementStopsEarly) {
  ReasoningConfig config = small_config();
  config.branches = 4;
  config.stop_agreement = 0.75;
  config.max_depth = 5;
  Reasoner reasoner(kQuestion, config);
  reasoner.next(Time{});
  for (const ThoughtId id : {1U, 2U, 3U}) reasoner.on_result(answer(id, "Answer: 7"));
  reasoner.on_result(answer(4, "Answer: 9"));
  EXPECT_TRUE(reasoner.next(Time{}).empty());
  EXPECT_EQ(reasoner.outcome().stop, StopReason::agreement);
  EXPECT_EQ(reasoner.outcome().levels, 1u);
}

TEST(Reasoner, ThoughtsThatWereCutDoNotVoteForAnEarlyStop) {
  ReasoningConfig config = small_config();
  config.stop_agreement = 0.6;
  Reasoner reasoner(kQuestion, config);
  reasoner.next(Time{});
  for (const ThoughtId id : {1U, 2U, 3U}) {
    ThoughtResult cut = answer(id, "Answer: 7");
    if (id > 1) cut.ending = omega::Ending::length;
    reasoner.on_result(std::move(cut));
  }
  EXPECT_FALSE(reasoner.next(Time{}).empty());
  EXPECT_EQ(reasoner.outcome().graph.at(2).status, ThoughtStatus::cut);
}

TEST(Reasoner, TokensBoundTheWholeAndEachThought) {
  ReasoningConfig config = small_config();
  config.max_tokens = 100;
  config.min_thought_tokens = 16;
  config.max_depth = 9;
  Reasoner reasoner(kQuestion, config);
  auto requests = reasoner.next(Time{});
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].max_tokens, 33u);
  for (const auto& request : requests) {
    ThoughtResult result = answer(request.id, "Answer: " + std::to_string(request.id));
    result.tokens = 25;
    reasoner.on_result(std::move(result));
  }
  requests = reasoner.next(Time{});  // 25 are left: room for one
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].max_tokens, 25u);
  reasoner.on_result(answer(requests[0].id, "Answer: 4"));
  EXPECT_TRUE(reasoner.next(Time{}).empty());
  EXPECT_EQ(reasoner.outcome().stop, StopReason::tokens);
}

TEST(Reasoner, TimeEndsItBetweenLevels) {
  ReasoningConfig config = small_config();
  config.max_time = std::chrono::seconds(2);
  Reasoner reasoner(kQuestion, config);
  const Time start = Time{} + std::chrono::hours(5);
  reasoner.next(start);
  EXPECT_EQ(reasoner.deadline(), start + std::chrono::seconds(2));
  for (const ThoughtId id : {1U, 2U, 3U}) reasoner.on_result(answer(id, "Answer: " + std::to_string(id)));
  EXPECT_TRUE(reasoner.next(start + std::chrono::seconds(2)).empty());
  EXPECT_EQ(reasoner.outcome().stop, StopReason::time);
  EXPECT_FALSE(reasoner.outcome().answer.empty());
}

TEST(Reasoner, AFailedLevelEndsItWithWhatThereIs) {
  Reasoner reasoner(kQuestion, small_config());
  reasoner.next(Time{});
  reasoner.on_result(answer(1, "Answer: 7"));
  reasoner.on_result(failure(2));
  reasoner.on_result(answer(3, " \n"));
  ASSERT_EQ(reasoner.next(Time{}).size(), 3u);
  for (const ThoughtId id : {4U, 5U, 6U}) reasoner.on_result(failure(id));
  EXPECT_TRUE(reasoner.next(Time{}).empty());
  const ReasoningOutcome outcome = reasoner.outcome();
  EXPECT_EQ(outcome.stop, StopReason::failure);
  EXPECT_EQ(outcome.conclusion, "7");
  EXPECT_EQ(outcome.graph.at(3).status, ThoughtStatus::failed);
}

TEST(Reasoner, WithoutAnyTextThereIsNoAnswer) {
  Reasoner reasoner(kQuestion, small_config());
  reasoner.next(Time{});
  for (const ThoughtId id : {1U, 2U, 3U}) reasoner.on_result(failure(id));
  EXPECT_TRUE(reasoner.next(Time{}).empty());
  EXPECT_TRUE(reasoner.outcome().best_path.empty());
  EXPECT_EQ(reasoner.outcome().stop, StopReason::failure);
  EXPECT_EQ(reasoner.outcome().graph.at(1).error, "out of memory");
}

TEST(Reasoner, StrangeResultsAreIgnored) {
  Reasoner reasoner(kQuestion, small_config());
  reasoner.on_result(answer(1, "Answer: 1"));  // nothing was asked for yet
  reasoner.next(Time{});
  reasoner.on_result(answer(0, "Answer: 1"));
  reasoner.on_result(answer(99, "Answer: 1"));
  reasoner.on_result(answer(1, "Answer: 7"));
  reasoner.on_result(answer(1, "Answer: 8"));
  EXPECT_FALSE(reasoner.level_complete());
  EXPECT_EQ(reasoner.outcome().graph.at(1).text, "Answer: 7");
  EXPECT_EQ(reasoner.outcome().tokens, 10u);
  EXPECT_EQ(reasoner.outcome().conclusion, "7");
}

TEST(Reasoner, ValidateNamesTheField) {
  EXPECT_TRUE(validate(ReasoningConfig{}));
  const auto field = [](auto change) {
    ReasoningConfig config;
    change(config);
    const auto valid = validate(config);
    return valid ? std::string() : valid.error().where;
  };
  EXPECT_EQ(field([](auto& c) { c.max_depth = 0; }), "max_depth");
  EXPECT_EQ(field([](auto& c) { c.branches = 33; }), "branches");
  EXPECT_EQ(field([](auto& c) { c.max_thought_tokens = 1; }), "max_thought_tokens");
  EXPECT_EQ(field([](auto& c) { c.max_tokens = 1; }), "max_tokens");
  EXPECT_EQ(field([](auto& c) { c.stop_agreement = 0; }), "stop_agreement");
  EXPECT_EQ(field([](auto& c) { c.max_time = Duration(-1); }), "max_time");
  EXPECT_EQ(field([](auto& c) { c.scoring.cut_factor = 2; }), "scoring.cut_factor");
}

}  // namespace
}  // namespace sovereign::runtime
