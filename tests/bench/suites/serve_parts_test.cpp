#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/suites/batched_bench.h"
#include "bench/suites/kernel_peers.h"
#include "bench/suites/overhead_meter.h"
#include "bench/suites/serve_scenarios.h"

namespace sovereign::bench {
namespace {

TEST(BatchedBench, ReadsItsLines) {
  const auto seconds = parse_batched_bench(
      "main: n_kv_max = 2048\n\n"
      "{\"n_kv_max\": 2048, \"pl\": 1, \"t_pp\": 0.5, \"t\": 1.500000, \"speed\": 170.0}\n"
      "{\"n_kv_max\": 2048, \"pl\": 8, \"t_pp\": 4, \"t\": 11.25, \"speed\": 180.0}\n{broken\n");
  ASSERT_TRUE(seconds);
  EXPECT_EQ(*seconds, (BatchSeconds{{1, 1.5}, {8, 11.25}}));
  EXPECT_EQ(parse_batched_bench("nothing here\n").error().code, ErrorCode::corrupt);
}

TEST(BatchedBench, ItsRatesAreReadByBatchSize) {
  const std::string_view output =
      "main: n_kv_max = 2048\n"
      "{\"pl\": 1, \"speed_pp\": 170.5, \"speed_tg\": 20}\n{\"pl\": 8, \"speed_pp\": 180.0, \"speed_tg\": "
      "74.25}\n{broken\n";
  EXPECT_EQ(batched_bench_rate(output, 1, "speed_pp").value(), 170.5);
  EXPECT_EQ(batched_bench_rate(output, 8, "speed_tg").value(), 74.25);
  EXPECT_EQ(batched_bench_rate(output, 2, "speed_tg").error().code, ErrorCode::corrupt);
  EXPECT_EQ(batched_bench_rate(output, 8, "speed").error().code, ErrorCode::corrupt);
}

TEST(OverheadMeter, ReadsPrometheusText) {
  const std::string_view text =
      "# HELP x_total about x_total 7\n# TYPE x_total counter\nx_total{model=\"a b\"} "
      "1.5\nx_total{model=\"c\"} 2e1\n"
      "x_total_more 100\nplain 3\n";
  EXPECT_DOUBLE_EQ(metric_value(text, "x_total"), 21.5);
  EXPECT_DOUBLE_EQ(metric_value(text, "plain"), 3);
  EXPECT_DOUBLE_EQ(metric_value(text, "x"), 0);
  EXPECT_DOUBLE_EQ(metric_value("", "x"), 0);
}

ServeScenarios scenarios() {
  ServeScenarios scenarios;
  scenarios.count_tokens = [](std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
  };
  return scenarios;
}

TEST(ServeScenarios, BothSidesOfARoundGetTheSameAndRoundsDiffer) {
  const ServeScenarios made = scenarios();
  std::set<std::string> seen;
  for (int round = -1; round < 5; ++round) {
    const auto once = made.shared_prefix("m", round);
    const auto again = made.shared_prefix("m", round);
    ASSERT_TRUE(once && again);
    ASSERT_EQ(once->size(), ServeScenarios::kClients);
    for (std::size_t i = 0; i < once->size(); ++i) EXPECT_EQ((*once)[i].body, (*again)[i].body);
    seen.insert(once->front().body);
  }
  EXPECT_EQ(seen.size(), 6U);
}

TEST(ServeScenarios, TheLongPromptComesLastAndLate) {
  const auto requests = scenarios().mixed("m", 0);
  ASSERT_TRUE(requests);
  ASSERT_EQ(requests->size(), ServeScenarios::kClients);
  for (std::size_t i = 0; i + 1 < requests->size(); ++i) {
    EXPECT_FALSE((*requests)[i].after_events_of_others);
    EXPECT_LT((*requests)[i].body.size(), requests->back().body.size());
  }
  EXPECT_EQ(requests->back().after_events_of_others, ServeSizes{}.events_before_long_prompt);
}

}  // namespace
}  // namespace sovereign::bench
