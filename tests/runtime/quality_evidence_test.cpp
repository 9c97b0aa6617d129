#include "runtime/quality_evidence.h"

#include <gtest/gtest.h>

namespace sovereign::runtime {
namespace {

using omega::Signal;

Choice saying(std::string text) {
  Choice choice;
  choice.message.content = std::move(text);
  return choice;
}

SovereignQuery asking(std::string content) {
  SovereignQuery query;
  query.content = std::move(content);
  query.sampling.temperature = 0;
  return query;
}

omega::Assessment assess_one(const SovereignQuery& query, const Choice& choice,
                             const std::vector<std::vector<float>>& likelihoods = {}) {
  return assess_choices(query, asked_texts(query), std::span(&choice, 1), likelihoods).front();
}

TEST(QualityEvidence, ContextIsWhatAnswersAreGroundedIn) {
  auto query = asking("How many people live in Berlin?");
  query.context = {{"Atlas", "Berlin has 3.7 million inhabitants.", false}, {"mayor", "Ann Weber", true}};
  const auto asked = asked_texts(query);
  EXPECT_EQ(asked.context[0], "Atlas\nBerlin has 3.7 million inhabitants.");
  EXPECT_EQ(asked.context[1], "mayor: Ann Weber");
  const auto good = assess_one(query, saying("Berlin has 3.7 million inhabitants."));
  const auto bad = assess_one(query, saying("Berlin holds 9 billion penguins from Norway."));
  EXPECT_GT(good.readings[Signal::grounding]->score, bad.readings[Signal::grounding]->score);
  EXPECT_FALSE(assess_one(asking("Berlin?"), saying("Yes, Berlin.")).readings[Signal::grounding])
      << "without context there is nothing to be grounded in";
}

TEST(QualityEvidence, OfAConversationAllButTheSystemsWordsCountAsGiven) {
  SovereignQuery query;
  query.chat.messages_json = R"([{"role":"system","content":"The key: ann@hidden.org"},
    {"role":"user","content":[{"type":"text","text":"I am bob@example.org"},{"type":"image_url"}]},
    {"role":"assistant","content":"Hello."},{"role":"user","content":"What is my address?"}])";
  const auto asked = asked_texts(query);
  EXPECT_EQ(asked.question, "What is my address?");
  EXPECT_NE(asked.given.find("bob@example.org"), std::string::npos);
  EXPECT_EQ(asked.given.find("ann@hidden"), std::string::npos);
  EXPECT_TRUE(assess_one(query, saying("It is bob@example.org.")).findings.empty());
  EXPECT_EQ(assess_one(query, saying("It is ann@hidden.org.")).findings.size(), 1u);
  query.chat.messages_json = "not JSON";
  EXPECT_TRUE(asked_texts(query).given.empty());
}

TEST(QualityEvidence, LikelihoodsComeFromTheBackendOrFromWhatTheClientAskedFor) {
  const auto query = asking("Why?");
  EXPECT_FALSE(assess_one(query, saying("Because it is so.")).readings[Signal::likelihood]);
  const auto measured = assess_one(query, saying("Because it is so."), {{-1, -1, -1, -1, -1}});
  EXPECT_EQ(measured.readings[Signal::likelihood]->raw, -1.0);
  auto with_logprobs = saying("Because it is so.");
  for (int i = 0; i < 5; ++i) with_logprobs.logprobs.push_back({{1, "x", -2.0F}, {}});
  EXPECT_EQ(assess_one(query, with_logprobs).readings[Signal::likelihood]->raw, -2.0);
}

TEST(QualityEvidence, TheFormatIsTheOneThatWasAskedFor) {
  auto query = asking("Give me a number.");
  EXPECT_FALSE(assess_one(query, saying("{}")).readings[Signal::format]);
  query.chat.json_schema = R"({"type":"object","required":["n"]})";
  EXPECT_EQ(assess_one(query, saying(R"({"n":1})")).readings[Signal::format]->score, 1.0);
  EXPECT_EQ(assess_one(query, saying("{}")).readings[Signal::format]->score, 0.0);
}

TEST(QualityEvidence, ToolCallsAreAnAnswer) {
  Choice call;
  call.message.tool_calls = {{"id", "weather", R"({"city":"Rome"})"}};
  auto query = asking("Weather in Rome?");
  query.chat.json_schema = R"({"type":"object","required":["n"]})";
  const auto assessment = assess_one(query, call);
  EXPECT_EQ(assessment.readings[Signal::responsiveness]->score, 1.0);
  EXPECT_FALSE(assessment.readings[Signal::format]) << "the schema is for the answer's text";
}

TEST(QualityEvidence, DrawnAnswersAreEachOthersSamples) {
  auto query = asking("What is 2 + 2?");
  query.n = 2;
  const std::vector<Choice> choices = {saying("Answer: 4"), saying("Answer: 5")};
  EXPECT_FALSE(assess_choices(query, asked_texts(query), choices, {})[0].readings[Signal::agreement])
      << "greedy ones are the same by nature";
  query.sampling.temperature = 1;
  EXPECT_EQ(assess_choices(query, asked_texts(query), choices, {})[0].readings[Signal::agreement]->raw, 0.0);
}

}  // namespace
}  // namespace sovereign::runtime
