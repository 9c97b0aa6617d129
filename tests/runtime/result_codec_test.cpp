#include "runtime/result_codec.h"

#include <gtest/gtest.h>

#include <random>

namespace sovereign::runtime {
namespace {

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
  result.usage = {10, 20, 3, 1.5, 2.5};
  result.seed = 4'294'967'295;
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
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < value.size(); ++size) {
    accepted += decode_result(std::string_view(value).substr(0, size), back) ? 1 : 0;
  }
  EXPECT_LE(accepted, 3u) << "only where a section ends";
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
