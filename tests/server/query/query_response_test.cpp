#include "server/query/query_response.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sovereign::server {
namespace {

using runtime::Thought;
using runtime::ThoughtKind;
using runtime::ThoughtStatus;

std::shared_ptr<const runtime::ReasoningOutcome> two_thoughts() {
  auto outcome = std::make_shared<runtime::ReasoningOutcome>();
  const auto first = outcome->graph.add(ThoughtKind::explore, {0});
  const auto second = outcome->graph.add(ThoughtKind::refine, {first});
  Thought& better = outcome->graph.at(second);
  better.status = ThoughtStatus::complete;
  better.text = "\"4\"";
  better.conclusion = "4";
  better.scores.likelihood = 0.123456;
  better.scores.vote = 0.5;
  outcome->graph.at(first).status = ThoughtStatus::failed;
  outcome->graph.at(first).error = "full";
  outcome->best_path = {0, first, second};
  outcome->levels = 2;
  outcome->stop = runtime::StopReason::agreement;
  return outcome;
}

TEST(QueryResponse, HasQualityAndThoughtsWhenThereAreAny) {
  runtime::SovereignResult result;
  result.choices.emplace_back().message.content = "Four.";
  const auto plain = boost::json::parse(result_json(result, 1));
  EXPECT_FALSE(plain.as_object().contains("quality"));
  EXPECT_FALSE(plain.as_object().contains("reasoning"));
  EXPECT_FALSE(plain.at("usage").as_object().contains("completion_tokens_details"));

  auto quality = std::make_shared<runtime::Quality>();
  quality->assessment.score = 0.75;
  result.choices.front().quality = quality;
  result.reasoning = two_thoughts();
  result.usage.reasoning_tokens = 9;
  const auto full = boost::json::parse(result_json(result, 1));
  EXPECT_EQ(full.at("quality").at("score").to_number<double>(), 0.75);
  EXPECT_TRUE(full.at("quality").as_object().contains("signals"));
  EXPECT_EQ(full.at("usage").at("completion_tokens_details").at("reasoning_tokens").as_int64(), 9);
  const auto& graph = full.at("reasoning");
  EXPECT_EQ(graph.at("stop").as_string(), "agreement");
  EXPECT_EQ(graph.at("edges"), (boost::json::array{{0, 1}, {1, 2}}));
  EXPECT_EQ(graph.at("best_path"), (boost::json::array{0, 1, 2}));
  const auto& thoughts = graph.at("thoughts").as_array();
  ASSERT_EQ(thoughts.size(), 2u) << "the question is no thought of its own";
  EXPECT_EQ(thoughts[0].at("error").as_string(), "full");
  EXPECT_FALSE(thoughts[0].as_object().contains("conclusion"));
  EXPECT_TRUE(thoughts[0].at("scores").at("likelihood").is_null()) << "unmeasured has no number";
  EXPECT_EQ(thoughts[1].at("text").as_string(), "\"4\"");
  EXPECT_EQ(thoughts[1].at("scores").at("likelihood").to_number<double>(), 0.1235);
  EXPECT_TRUE(thoughts[1].at("scores").at("total").is_null()) << "a vote is no measurement";
}

}  // namespace
}  // namespace sovereign::server
