#include "gateway/complexity.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/routing.h"

namespace sovereign::gateway {
namespace {

std::uint32_t of(std::string_view question) { return estimate_complexity({.question = question}); }

TEST(Complexity, SmallTalkIsNothing) {
  EXPECT_EQ(of("Hello!"), 0U);
  EXPECT_EQ(of("What is the capital of France?"), 0U);
}

TEST(Complexity, EachPartCountsAsDocumented) {
  EXPECT_EQ(of("Why?"), 10U);
  EXPECT_EQ(of("Prove it, and explain why."), 30U);
  EXPECT_EQ(of("Prove it, explain why, compare, analyse and evaluate."), 30U) << "at most three words count";
  EXPECT_EQ(of("```\nint x;\n```"), 15U);
  EXPECT_EQ(of("x^2 + y^2 = z^2 and a_1 <= b_1"), 15U);
  EXPECT_EQ(estimate_complexity({.question = "Hi", .max_tokens = 4096}), 15U);
  EXPECT_EQ(estimate_complexity({.question = "Hi", .max_tokens = 1024}), 8U);
  EXPECT_EQ(estimate_complexity({.question = "Hi", .has_tools = true, .has_format = true}), 10U);
  EXPECT_EQ(estimate_complexity({.question = "Hi", .require_reasoning = true}), 30U);
  EXPECT_EQ(estimate_complexity({.question = "Hi", .conversation_bytes = 4096}), 15U);
  EXPECT_EQ(estimate_complexity({.question = "Hi", .conversation_bytes = 1 << 20}), 30U);
}

TEST(Complexity, WordsAreFoundAtTheirBeginningInAnyCase) {
  EXPECT_EQ(of("COMPARING apples"), 10U);
  EXPECT_EQ(of("The season is over"), 0U) << "'reason' is not in 'season'";
  EXPECT_EQ(of("unreasonable"), 0U);
}

TEST(Complexity, HasAnUpperEnd) {
  EXPECT_EQ(estimate_complexity({.question = "Prove why, explain:\n```c\n```",
                                 .conversation_bytes = 1 << 22,
                                 .max_tokens = 100'000,
                                 .has_tools = true,
                                 .has_format = true,
                                 .require_reasoning = true}),
            kMaxComplexity);
}

TEST(Complexity, DefaultsSendThreeSortsOfQueriesToThreeTiers) {
  const RoutingConfig config;
  EXPECT_EQ(tier_for(of("What time is it in Tokyo?"), config), Tier::edge);
  EXPECT_EQ(tier_for(estimate_complexity(
                         {.question = "Explain why this fails:\n```py\nx = f(y)\n```", .max_tokens = 512}),
                     config),
            Tier::local);
  EXPECT_EQ(tier_for(estimate_complexity({.question = "Prove the theorem, compare both proofs step by step",
                                          .conversation_bytes = 20'000,
                                          .max_tokens = 4096,
                                          .require_reasoning = true}),
                     config),
            Tier::pool);
}

}  // namespace
}  // namespace sovereign::gateway
