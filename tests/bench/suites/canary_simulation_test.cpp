#include "bench/suites/canary_simulation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sovereign::bench {
namespace {

constexpr std::uint32_t kRuns = 500;
constexpr std::uint64_t kSeed = 20261127;
constexpr double kAlpha = 0.05;
// Four standard deviations over alpha: a right test fails one time in 30,000, and seeds are fixed.
const double kAllowed = kAlpha + 4 * std::sqrt(kAlpha * (1 - kAlpha) / kRuns);

World world_of(LatencyShape shape, Effect effect = {}) {
  World world;
  world.shape = shape;
  world.effect = effect;
  world.queries = 3'000;
  world.comparison.alpha = kAlpha;
  return world;
}

class CanarySimulation : public testing::TestWithParam<LatencyShape> {};

TEST_P(CanarySimulation, NoDifferenceIsRarelyCalledWorseThoughEveryObservationIsLookedAt) {
  World world = world_of(GetParam());
  EXPECT_LE(simulate_canaries(world, kRuns, kSeed).stopped_share(), kAllowed);
  world.tides = true;
  EXPECT_LE(simulate_canaries(world, kRuns, kSeed).stopped_share(), kAllowed);
}

TEST_P(CanarySimulation, ADifferenceOfTheMarginIsRarelyCalledWorse) {
  EXPECT_LE(simulate_canaries(world_of(GetParam(), {.slower = 1.1}), kRuns, kSeed).stopped_share(), kAllowed);
  EXPECT_LE(simulate_canaries(world_of(GetParam(), {.quality = 0.9}), kRuns, kSeed).stopped_share(),
            kAllowed);
}

TEST_P(CanarySimulation, AClearlyWorseVariantIsStopped) {
  constexpr std::uint32_t kFew = 60;
  const auto median = [&](Effect effect) {
    World world = world_of(GetParam(), effect);
    world.queries = 20'000;
    return simulate_canaries(world, kFew, kSeed).median_queries;
  };
  EXPECT_LT(median({.slower = 2}), 2'000);
  EXPECT_LT(median({.slower = 1.5}), 6'000);
  EXPECT_LT(median({.hanging = 0.3}), 4'000);
  EXPECT_LT(median({.errors = 0.05}), 3'000);
  EXPECT_LT(median({.errors = 1}), 100);
  EXPECT_LT(median({.quality = 0.5}), 1'500);
}

TEST_P(CanarySimulation, AVariantThatWasGoodForLongIsStoppedSoonAfterItIsNot) {
  constexpr std::uint32_t kFew = 20;
  const auto median = [&](Effect effect) {
    World world = world_of(GetParam(), effect);
    world.good_queries = 20'000;
    world.queries = 20'000;
    const auto statistics = simulate_canaries(world, kFew, kSeed);
    return statistics.median_queries;
  };
  EXPECT_LT(median({.slower = 2}), 4'000);
  EXPECT_LT(median({.errors = 1}), 200);
  EXPECT_LT(median({.quality = 0.5}), 3'000);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CanarySimulation,
                         testing::Values(LatencyShape::even, LatencyShape::mixed, LatencyShape::heavy,
                                         LatencyShape::cliff),
                         [](const auto& shape) { return std::string(to_string(shape.param)); });

TEST(CanarySimulation, RareErrorsOfTheMarginAreRarelyCalledWorse) {
  World world = world_of(LatencyShape::even, {.errors = 0.0011});
  EXPECT_LE(simulate_canaries(world, kRuns, kSeed).stopped_share(), kAllowed);
  world.error_rate = 0.2;
  world.effect.errors = 0.22;
  EXPECT_LE(simulate_canaries(world, kRuns, kSeed).stopped_share(), kAllowed);
}

// Alpha is spent on five quantities; one alone, at its margin, must keep within its part.
TEST(CanarySimulation, OtherSharesHoldToo) {
  for (const double share : {0.02, 0.5, 0.9}) {
    World world = world_of(LatencyShape::mixed, {.slower = 1.1});
    world.comparison.share = share;
    EXPECT_LE(simulate_canaries(world, kRuns / 2, kSeed).stopped_share(), kAllowed) << share;
  }
}

TEST(CanarySimulation, AGoodVariantIsShownToBeFine) {
  World world = world_of(LatencyShape::even);
  world.queries = 20'000;
  EXPECT_GT(simulate_canaries(world, 40, kSeed).fine, 30U);
  // One beyond the margin is not.
  world.effect.slower = 1.15;
  EXPECT_EQ(simulate_canaries(world, 40, kSeed).fine, 0U);
}

// Its typical query is as quick as control's, and the server promoted it.
TEST_P(CanarySimulation, AVariantOfWhichSomeQueriesHangIsRarelyShownToBeFine) {
  World world = world_of(GetParam(), {.hanging = 0.08});
  world.queries = 10'000;
  const auto hanging = simulate_canaries(world, kRuns / 2, kSeed);
  EXPECT_LE(hanging.fine, kAllowed * hanging.runs);
  world.effect = {};
  world.queries = 40'000;
  EXPECT_GT(simulate_canaries(world, 20, kSeed).fine, 10U) << "a good one is";
}

}  // namespace
}  // namespace sovereign::bench
