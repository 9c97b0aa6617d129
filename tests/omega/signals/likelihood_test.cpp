#include "omega/signals/likelihood.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace sovereign::omega {
namespace {

TEST(Likelihood, IsTheMeanPerToken) {
  const std::array<float, 5> logprobs = {-1.0F, -0.5F, -0.5F, -2.0F, -1.0F};
  EXPECT_DOUBLE_EQ(*mean_logprob(logprobs), -1.0);
}

TEST(Likelihood, WeakestSpanFindsTheUnlikelyPartWhereverItIs) {
  for (std::size_t at = 0; at + kSpanTokens <= 40; ++at) {
    std::vector<float> logprobs(40, -0.25F);
    for (std::size_t i = 0; i < kSpanTokens; ++i) logprobs[at + i] = -4.0F;
    EXPECT_DOUBLE_EQ(*weakest_span_logprob(logprobs), -4.0) << at;
  }
}

TEST(Likelihood, IsUnmeasuredWithoutUsableNumbers) {
  EXPECT_EQ(mean_logprob({}), std::nullopt);
  const std::array<float, 5> not_finite = {-1, -1, -1, -1.0F, -std::numeric_limits<float>::infinity()};
  EXPECT_EQ(mean_logprob(not_finite), std::nullopt);
  const std::array<float, 5> not_a_logprob = {-1, -1, -1, -1.0F, 0.5F};
  EXPECT_EQ(mean_logprob(not_a_logprob), std::nullopt);
  const std::array<float, 5> nan = {-1, -1, -1, -1.0F, std::nanf("")};
  EXPECT_EQ(mean_logprob(nan), std::nullopt);
  const std::vector<float> too_short(kSpanTokens - 1, -1.0F);
  EXPECT_EQ(mean_logprob(too_short), std::nullopt);
  EXPECT_EQ(weakest_span_logprob(too_short), std::nullopt);
}

}  // namespace
}  // namespace sovereign::omega
