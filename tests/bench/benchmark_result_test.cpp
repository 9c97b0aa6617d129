#include "bench/benchmark_result.h"

#include <gtest/gtest.h>

namespace sovereign::bench {
namespace {

TEST(BenchmarkResult, SummarizesRoundsAndCost) {
  const BenchmarkResult result = make_result("x", {{1, 2}, {3, 4}}, {2.0, 3.0, 5e6});
  EXPECT_EQ(result.name, "x");
  EXPECT_EQ(result.iterations, 4U);
  EXPECT_DOUBLE_EQ(result.mean, 2.5);
  EXPECT_DOUBLE_EQ(result.median, 2.5);
  EXPECT_DOUBLE_EQ(result.min, 1);
  EXPECT_DOUBLE_EQ(result.max, 4);
  EXPECT_DOUBLE_EQ(result.qps, 2);
  EXPECT_DOUBLE_EQ(result.cpu_percent, 150);
  EXPECT_DOUBLE_EQ(result.memory_mb, 5);
}

TEST(BenchmarkResult, ImprovementIsPositiveWhenBetter) {
  BenchmarkResult before;
  before.mean = 100;
  before.p99 = 200;
  before.qps = 10;
  before.memory_mb = 50;
  BenchmarkResult after = before;
  after.mean = 60;
  after.p99 = 300;
  after.qps = 25;
  const auto improvement = after.improvement_over(before);
  EXPECT_DOUBLE_EQ(improvement.mean, 40);
  EXPECT_DOUBLE_EQ(improvement.p99, -50);
  EXPECT_DOUBLE_EQ(improvement.qps, 150);
  EXPECT_DOUBLE_EQ(improvement.memory, 0);
  EXPECT_DOUBLE_EQ(improvement.median, 0) << "no baseline";
}

}  // namespace
}  // namespace sovereign::bench
