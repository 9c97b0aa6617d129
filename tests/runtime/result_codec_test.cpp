#include "runtime/result_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

namespace sovereign::runtime {
namespace {

std::shared_ptr<const Quality> quality() {
  auto note = std::make_shared<Quality>();
  note->assessment = omega::assess({.question = "Who?",
                                    .answer = "Write to ann@example.org, she knows it all.",
                                    .ending = omega::Ending::complete});
  note->shortfalls = {{"score", 0.0, 0.95}, {"justice", std::nullopt, 0.5}};
  note->judge_reason = "it leaks";
  note->retries = 1;
  return note;
}

std::shared_ptr<const ReasoningOutcome> reasoning() {
  auto outcome = std::make_shared<ReasoningOutcome>();
  for (int i = 0; i < 2; ++i) {
    Thought& thought = outcome->graph.at(outcome->graph.add(ThoughtKind::explore, {0}));
    thought.status = ThoughtStatus::complete;
    thought.text = "so 4. Answer: 4";
    thought.conclusion = "4";
    thought.tokens = 9;
    thought.scores.likelihood = 0.5;
    thought.scores.total = 0.75;
  }
  outcome->graph.add(ThoughtKind::merge, {1, 2});
  outcome->graph.at(3).status = ThoughtStatus::failed;
  outcome->graph.at(3).error = "full";
  outcome->best_path = {0, 2};
  outcome->answer = "so 4. Answer: 4";
  outcome->conclusion = "4";
  outcome->stop = StopReason::agreement;
  outcome->levels = 2;
  outcome->tokens = 18;
  return outcome;
}

void expect_same(const Quality& a, const Quality& b) {
  for (std::size_t s = 0; s < omega::kSignals; ++s) {
    const auto signal = static_cast<omega::Signal>(s);
    EXPECT_EQ(a.assessment.readings[signal], b.assessment.readings[signal]) << to_string(signal);
  }
  for (std::size_t d = 0; d < omega::kDimensions; ++d) {
    const auto dimension = static_cast<omega::Dimension>(d);
    EXPECT_EQ(a.assessment.vector.get(dimension), b.assessment.vector.get(dimension)) << to_string(dimension);
  }
  EXPECT_EQ(a.assessment.state, b.assessment.state);
  EXPECT_EQ(a.assessment.score, b.assessment.score);
  EXPECT_EQ(a.assessment.findings, b.assessment.findings);
  EXPECT_EQ(a.shortfalls, b.shortfalls);
  EXPECT_EQ(a.judge_reason, b.judge_reason);
  EXPECT_EQ(a.retries, b.retries);
}

void expect_same(const ReasoningOutcome& a, const ReasoningOutcome& b) {
  ASSERT_EQ(a.graph.size(), b.graph.size());
  for (std::size_t i = 0; i < a.graph.size(); ++i) {
    const Thought& x = a.graph.thoughts()[i];
    const Thought& y = b.graph.thoughts()[i];
    EXPECT_EQ(x.kind, y.kind);
    EXPECT_EQ(x.status, y.status);
    EXPECT_EQ(x.parents, y.parents);
    EXPECT_EQ(x.depth, y.depth);
    EXPECT_EQ(x.text, y.text);
    EXPECT_EQ(x.conclusion, y.conclusion);
    EXPECT_EQ(x.tokens, y.tokens);
    EXPECT_EQ(x.cluster, y.cluster);
    EXPECT_EQ(x.scores.likelihood, y.scores.likelihood);
    EXPECT_EQ(x.scores.agreement, y.scores.agreement);
    EXPECT_EQ(x.scores.total, y.scores.total);
    EXPECT_EQ(x.error, y.error);
  }
  EXPECT_EQ(a.best_path, b.best_path);
  EXPECT_EQ(a.answer, b.answer);
  EXPECT_EQ(a.conclusion, b.conclusion);
  EXPECT_EQ(a.stop, b.stop);
  EXPECT_EQ(a.levels, b.levels);
  EXPECT_EQ(a.tokens, b.tokens);
}

SovereignResult sample() {
  SovereignResult result;
  Choice plain;
  plain.message.content = "caf\xc3\xa9 \0 and more";
  plain.finish = engine::FinishReason::length;
  plain.logprobs = {{{5, "a", -0.5F}, {{5, "a", -0.5F}, {6, "\xff", -2.0F}}}, {{7, "", -1.0F}, {}}};
  Choice calls;
  calls.message.reasoning_content = "hm";
  calls.message.tool_calls = {{"id1", "f", "{\"a\":1}"}, {"id2", "g", ""}};
  result.choices = {plain, calls};
  result.seed = 4'294'967'295;
  result.choices[0].quality = quality();
  result.usage = {10, 20, 3, 1.5, 2.5, 7};
  result.reasoning = reasoning();
  return result;
}

void expect_same(const SovereignResult& a, const SovereignResult& b) {
  EXPECT_EQ(a.seed, b.seed);
  ASSERT_EQ(a.choices.size(), b.choices.size());
  for (std::size_t i = 0; i < a.choices.size(); ++i) {
    EXPECT_EQ(a.choices[i].message.content, b.choices[i].message.content);
    EXPECT_EQ(a.choices[i].message.reasoning_content, b.choices[i].message.reasoning_content);
    EXPECT_EQ(a.choices[i].finish, b.choices[i].finish);
    ASSERT_EQ(a.choices[i].message.tool_calls.size(), b.choices[i].message.tool_calls.size());
    for (std::size_t k = 0; k < a.choices[i].message.tool_calls.size(); ++k) {
      EXPECT_EQ(a.choices[i].message.tool_calls[k].id, b.choices[i].message.tool_calls[k].id);
      EXPECT_EQ(a.choices[i].message.tool_calls[k].name, b.choices[i].message.tool_calls[k].name);
      EXPECT_EQ(a.choices[i].message.tool_calls[k].arguments, b.choices[i].message.tool_calls[k].arguments);
    }
    ASSERT_EQ(a.choices[i].logprobs.size(), b.choices[i].logprobs.size());
    for (std::size_t k = 0; k < a.choices[i].logprobs.size(); ++k) {
      EXPECT_EQ(a.choices[i].logprobs[k].chosen.token, b.choices[i].logprobs[k].chosen.token);
      EXPECT_EQ(a.choices[i].logprobs[k].chosen.bytes, b.choices[i].logprobs[k].chosen.bytes);
      EXPECT_EQ(a.choices[i].logprobs[k].chosen.logprob, b.choices[i].logprobs[k].chosen.logprob);
      EXPECT_EQ(a.choices[i].logprobs[k].top.size(), b.choices[i].logprobs[k].top.size());
    }
  }
  EXPECT_EQ(a.usage.prompt_tokens, b.usage.prompt_tokens);
  EXPECT_EQ(a.usage.completion_tokens, b.usage.completion_tokens);
  EXPECT_EQ(a.usage.cached_tokens, b.usage.cached_tokens);
  EXPECT_EQ(a.usage.predicted_ms, b.usage.predicted_ms);
  EXPECT_EQ(a.usage.reasoning_tokens, b.usage.reasoning_tokens);
  ASSERT_TRUE(b.choices[0].quality && b.reasoning);
  EXPECT_FALSE(b.choices[1].quality);
  expect_same(*a.choices[0].quality, *b.choices[0].quality);
  expect_same(*a.reasoning, *b.reasoning);
}

TEST(ResultCodec, ComesBackAsItWas) {
  SovereignResult back;
  ASSERT_TRUE(decode_result(encode_result(sample()), back));
  expect_same(sample(), back);
}

TEST(ResultCodec, SectionsThatAreNotKnownArePassedOver) {
  std::string value = encode_result(sample());
  value += std::string("\xF0\x02\x00\x00\x00??", 7);
  SovereignResult back;
  ASSERT_TRUE(decode_result(value, back));
  expect_same(sample(), back);
}

TEST(ResultCodec, CutOffOrForeignValuesAreRefused) {
  const std::string value = encode_result(sample());
  SovereignResult back;
  EXPECT_FALSE(decode_result("", back));
  EXPECT_FALSE(decode_result("SVA\x02", back));
  EXPECT_FALSE(decode_result("SVA\x01", back)) << "no choice";
  // A section is a tag, its size and its body.
  std::set<std::size_t> ends;
  for (std::size_t at = 4; at < value.size(); ends.insert(at)) {
    std::uint32_t size = 0;
    std::memcpy(&size, value.data() + at + 1, sizeof size);
    at += 1 + sizeof size + size;
  }
  ASSERT_EQ(*ends.rbegin(), value.size());
  for (std::size_t size = 0; size < value.size(); ++size) {
    const bool accepted = decode_result(std::string_view(value).substr(0, size), back).has_value();
    EXPECT_EQ(accepted, ends.contains(size)) << size;
  }
}

TEST(ResultCodec, DamageNeverCrashes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string value = encode_result(sample());
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = value;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    SovereignResult back;
    if (decode_result(damaged, back)) {
      EXPECT_FALSE(back.choices.empty());
    }
  }
}

}  // namespace
}  // namespace sovereign::runtime
