#include "bench/paired_cost.h"

#include <gtest/gtest.h>

namespace sovereign::bench {
namespace {

TEST(PairedCost, RunsEverySideInEveryRoundAndCountsItsOperations) {
  const Progress silent(true);
  int one = 0;
  int ten = 0;
  std::string order;
  const auto work = [&order](int& calls, char name, int loops) {
    ++calls;
    if (order.empty() || order.back() != name) order += name;
    for (int i = 0; i < loops; ++i) keep(i);
  };
  const Costs costs = paired_costs(
      "test", {{"one", 1, [&] { work(one, 'a', 20'000); }}, {"ten", 10, [&] { work(ten, 'b', 20'000); }}},
      {.rounds = 3, .round_ms = 0.2}, silent);
  ASSERT_EQ(costs.size(), 2U);
  for (const auto& side : costs) {
    ASSERT_EQ(side.size(), 3U);
    for (const double ns : side) EXPECT_GT(ns, 0);
  }
  EXPECT_GE(one, 4);
  EXPECT_GE(ten, 4);
  // Warm-up and three rounds, every second one in reverse: neighbours that are the same side join.
  EXPECT_EQ(order, "babab");
}

TEST(PairedCost, ARowHoldsTheRounds) {
  const BenchmarkResult row = cost_result("row", {1000, 3000, 2000});
  EXPECT_EQ(row.iterations, 3U);
  EXPECT_DOUBLE_EQ(row.median, 0.002);
  EXPECT_DOUBLE_EQ(row.min, 0.001);
  EXPECT_DOUBLE_EQ(row.max, 0.003);
  EXPECT_DOUBLE_EQ(row.qps, 500'000);
}

}  // namespace
}  // namespace sovereign::bench
