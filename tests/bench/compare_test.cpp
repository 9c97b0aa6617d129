#include "bench/compare.h"

#include <gtest/gtest.h>

namespace sovereign::bench {
namespace {

BenchmarkResult result(double median, double p99, double noise) {
  BenchmarkResult result;
  result.name = "query";
  result.median = median;
  result.median_interval = {median * (1 - noise), median * (1 + noise)};
  result.p99 = p99;
  result.p99_interval = {p99 * (1 - noise), p99 * (1 + noise)};
  return result;
}

Comparison between(const BenchmarkResult& before, const BenchmarkResult& after) {
  Report baseline;
  baseline.results = {before};
  Report candidate;
  candidate.results = {after};
  return compare(baseline, candidate);
}

TEST(Compare, TheSameIsNoRegression) {
  EXPECT_FALSE(between(result(10, 20, 0.02), result(10, 20, 0.02)).regressed());
}

TEST(Compare, TwentyPercentWorseBeyondTheNoiseIsOne) {
  EXPECT_TRUE(between(result(10, 20, 0.02), result(12, 20, 0.02)).regressed());
}

TEST(Compare, TheTailAloneIsEnough) {
  const Comparison comparison = between(result(10, 20, 0.02), result(10, 25, 0.02));
  ASSERT_TRUE(comparison.regressed());
  EXPECT_FALSE(comparison.differences[0].regression);
  EXPECT_TRUE(comparison.differences[1].regression);
  EXPECT_NE(to_table(comparison).find("WORSE"), std::string::npos);
}

TEST(Compare, WithinTheNoiseIsNone) {
  EXPECT_FALSE(between(result(10, 20, 0.2), result(12, 24, 0.2)).regressed());
}

TEST(Compare, FivePercentWorseIsTolerated) {
  const Comparison comparison = between(result(10, 20, 0.001), result(10.5, 21, 0.001));
  EXPECT_TRUE(comparison.differences[0].beyond_noise);
  EXPECT_FALSE(comparison.regressed());
}

TEST(Compare, BetterIsNeverARegression) {
  EXPECT_FALSE(between(result(10, 20, 0.01), result(5, 8, 0.01)).regressed());
}

TEST(Compare, AResultThatIsGoneIsNamed) {
  Report baseline;
  baseline.results = {result(10, 20, 0.01)};
  const Comparison comparison = compare(baseline, Report{});
  EXPECT_FALSE(comparison.regressed());
  EXPECT_EQ(comparison.missing, std::vector<std::string>{"query"});
}

}  // namespace
}  // namespace sovereign::bench
