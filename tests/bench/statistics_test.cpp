#include "bench/statistics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace sovereign::bench {
namespace {

TEST(Statistics, PercentilesByHand) {
  // NumPy: numpy.percentile([15, 20, 35, 40, 50], [0, 25, 40, 50, 95, 100]).
  const std::vector<double> values{40, 15, 50, 35, 20};
  EXPECT_DOUBLE_EQ(percentile(values, 0), 15);
  EXPECT_DOUBLE_EQ(percentile(values, 0.25), 20);
  EXPECT_DOUBLE_EQ(percentile(values, 0.4), 29);
  EXPECT_DOUBLE_EQ(percentile(values, 0.5), 35);
  EXPECT_DOUBLE_EQ(percentile(values, 0.95), 48);
  EXPECT_DOUBLE_EQ(percentile(values, 1), 50);
  EXPECT_DOUBLE_EQ(percentile({7}, 0.99), 7);
  EXPECT_DOUBLE_EQ(percentile({}, 0.5), 0);
  EXPECT_DOUBLE_EQ(median({1, 2, 3, 10}), 2.5);
  EXPECT_DOUBLE_EQ(mean(values), 32);
}

RC_GTEST_PROP(StatisticsProperty, PercentileIsThatOfTheSortedValues, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange(-1000, 1000), [](int v) { return static_cast<double>(v) / 7; })));
  const double p = *rc::gen::inRange(0, 1001) / 1000.0;
  const double got = percentile(values, p);
  std::sort(values.begin(), values.end());
  const double rank = p * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(rank));
  const auto high = std::min(low + 1, values.size() - 1);
  RC_ASSERT(std::abs(got - std::lerp(values[low], values[high], rank - std::floor(rank))) < 1e-9);
}

TEST(Statistics, AConstantHasNoSpread) {
  const Estimate estimate = percentile_estimate({{5, 5, 5}, {5, 5}}, 0.99, 1);
  EXPECT_DOUBLE_EQ(estimate.value, 5);
  EXPECT_DOUBLE_EQ(estimate.interval.low, 5);
  EXPECT_DOUBLE_EQ(estimate.interval.high, 5);
}

TEST(Statistics, TheSeedDecidesTheInterval) {
  const Rounds rounds{{1, 2, 9, 4, 5, 7, 3}};
  const Estimate a = percentile_estimate(rounds, 0.5, 42);
  const Estimate b = percentile_estimate(rounds, 0.5, 42);
  EXPECT_DOUBLE_EQ(a.interval.low, b.interval.low);
  EXPECT_DOUBLE_EQ(a.interval.high, b.interval.high);
  EXPECT_LE(a.interval.low, a.value);
  EXPECT_GE(a.interval.high, a.value);
  EXPECT_LT(a.interval.low, a.interval.high);
}

TEST(Statistics, RoundsThatDifferWidenTheInterval) {
  // The same eight values; in the second case the rounds differ, so the machine did, and less is known.
  const Estimate alike = percentile_estimate({{1, 9}, {9, 1}, {1, 9}, {9, 1}}, 0.5, 1);
  const Estimate apart = percentile_estimate({{1, 1}, {9, 9}, {1, 1}, {9, 9}}, 0.5, 1);
  EXPECT_LT(alike.interval.high - alike.interval.low, apart.interval.high - apart.interval.low);
}

TEST(Statistics, TheMediansIntervalCoversTheTruthMostOfTheTime) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> latency(1.0);
  const double truth = std::log(2.0);
  int covered = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values(60);
    for (double& value : values) value = latency(random);
    const Interval interval = percentile_estimate({values}, 0.5, static_cast<std::uint64_t>(trial)).interval;
    covered += interval.low <= truth && truth <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 88 / 100) << "nominal 95 %";
}

TEST(Statistics, PairedRatioCancelsWhatBothSidesSuffer) {
  // The machine is twice as slow in every second round; the ratio of each round stays 0.5.
  const std::vector<double> ours{1, 2, 1, 2};
  const std::vector<double> theirs{2, 4, 2, 4};
  const Estimate ratio = paired_ratio(ours, theirs, 1);
  EXPECT_DOUBLE_EQ(ratio.value, 0.5);
  EXPECT_DOUBLE_EQ(ratio.interval.low, 0.5);
  EXPECT_DOUBLE_EQ(ratio.interval.high, 0.5);
}

TEST(Statistics, PairedRatioIsTheMedianOfRatios) {
  const std::vector<double> ours{1, 3, 10, 5};
  const std::vector<double> theirs{2, 3, 4, 0};
  const Estimate ratio = paired_ratio(ours, theirs, 1);
  EXPECT_DOUBLE_EQ(ratio.value, 1.0) << "of 0.5, 1 and 2.5";
  EXPECT_DOUBLE_EQ(ratio.interval.low, 0.5);
  EXPECT_DOUBLE_EQ(ratio.interval.high, 2.5);
  EXPECT_DOUBLE_EQ(paired_ratio({}, {}, 1).value, 0);
}

}  // namespace
}  // namespace sovereign::bench
