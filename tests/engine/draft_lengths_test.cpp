// What drafting is worth: the cost of steps as it is learned, and the lengths that follow from it.
#include "engine/draft_lengths.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace sovereign::engine {
namespace {

using Lengths = std::vector<std::uint32_t>;

// A machine where a step takes `constant` and each row 1.
StepCost learned(double constant) {
  StepCost cost;
  for (int i = 0; i < 200; ++i) {
    const double rows = 1 + i % 9;
    cost.observe(rows, constant + rows);
  }
  return cost;
}

TEST(StepCost, LearnsTheLineAndShrugsOffOutliers) {
  StepCost cost = learned(6);
  EXPECT_NEAR(cost.of_row(), 1, 0.1);
  EXPECT_NEAR(cost.of_step(1), 7, 0.5);
  EXPECT_NEAR(cost.of_step(8), 14, 0.5);
  cost.observe(4, 1e6);
  EXPECT_NEAR(cost.of_step(8), 14, 2);
}

TEST(StepCost, StepsOfOneSizeLeaveTheGuessInPlace) {
  StepCost cost;
  for (int i = 0; i < 100; ++i) cost.observe(1, 10);
  EXPECT_NEAR(cost.of_step(1), 10, 1e-9);
  EXPECT_NEAR(cost.of_row(), 2, 1e-9) << "a quarter of the constant";
}

TEST(StepCost, NoiseMakesRowsNeitherFreeNorDearerThanASequenceOfItsOwn) {
  StepCost falling;
  for (int i = 0; i < 50; ++i) falling.observe(1 + i % 2, i % 2 == 0 ? 20 : 10);
  EXPECT_GT(falling.of_row(), 0);
  StepCost steep;
  for (int i = 0; i < 50; ++i) steep.observe(1 + i % 2, i % 2 == 0 ? 1 : 100);
  EXPECT_GE(steep.of_step(1), steep.of_row());
}

TEST(DraftLengths, ALoneSequenceDraftsAsFarAsItsChanceCarries) {
  const StepCost cost = learned(6);
  const auto length = [&](double chance) {
    return draft_lengths(std::vector<DraftChance>{{chance, 8}}, 1, 32, cost, 0)[0];
  };
  EXPECT_EQ(length(1.0), 8U);
  EXPECT_EQ(length(0.05), 0U);
  EXPECT_GE(length(0.9), length(0.6));
  EXPECT_GT(length(0.6), 0U);
  EXPECT_LT(length(0.6), 8U);
}

TEST(DraftLengths, AFullBatchDraftsOnlyWhatIsNearlyCertain) {
  const StepCost cost = learned(6);
  std::vector<DraftChance> crowd(16, {0.5, 8});
  crowd[3] = {0.98, 8};
  const Lengths lengths = draft_lengths(crowd, 16, 32, cost, 0);
  EXPECT_GT(lengths[3], 0U);
  EXPECT_EQ(std::accumulate(lengths.begin(), lengths.end(), 0U), lengths[3]);
}

TEST(DraftLengths, ADrafterThatTakesLongIsAskedForLess) {
  const StepCost cost = learned(6);
  const std::vector<DraftChance> one = {{0.8, 8}};
  EXPECT_GT(draft_lengths(one, 1, 32, cost, 0)[0], draft_lengths(one, 1, 32, cost, 2)[0]);
  EXPECT_EQ(draft_lengths(one, 1, 32, cost, 7)[0], 0U) << "as slow as the model itself";
}

TEST(DraftLengths, KeepsToItsBounds) {
  const StepCost cost = learned(60);
  const Lengths lengths = draft_lengths(std::vector<DraftChance>{{1, 3}, {1, 0}, {1, 8}}, 3, 7, cost, 0);
  EXPECT_EQ(lengths[0] + lengths[2], 7U);
  EXPECT_LE(lengths[0], 3U);
  EXPECT_EQ(lengths[1], 0U);
}

// No other lengths give more expected tokens per time, up to the first token that is not worth its row.
TEST(DraftLengths, NoOtherLengthsGiveMoreTokensPerTime) {
  const StepCost cost = learned(4);
  const std::vector<DraftChance> two = {{0.85, 5}, {0.6, 5}};
  const auto rate = [&](std::uint32_t a, std::uint32_t b) {
    double tokens = 2;
    for (std::uint32_t i = 1; i <= a; ++i) tokens += std::pow(two[0].chance, i);
    for (std::uint32_t i = 1; i <= b; ++i) tokens += std::pow(two[1].chance, i);
    return tokens / (cost.of_step(2) + cost.of_row() * (a + b));
  };
  const Lengths chosen = draft_lengths(two, 2, 32, cost, 0);
  for (std::uint32_t a = 0; a <= 5; ++a) {
    for (std::uint32_t b = 0; b <= 5; ++b) EXPECT_LE(rate(a, b), rate(chosen[0], chosen[1]) + 1e-9);
  }
}

}  // namespace
}  // namespace sovereign::engine
