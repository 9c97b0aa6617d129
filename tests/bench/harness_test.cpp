#include "bench/harness.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "bench/process_usage.h"

namespace sovereign::bench {
namespace {

TEST(Harness, SidesAlternateAndWarmUpComesFirst) {
  std::string order;
  const auto side = [&](const char* name) {
    return Side{name, [&order, name](int round) -> result<void> {
                  order += name + std::to_string(round) + " ";
                  return {};
                }};
  };
  ASSERT_TRUE(run_alternating("t", {side("a"), side("b")}, {1, 3}, Progress(true)));
  EXPECT_EQ(order, "b-1 a-1 a0 b0 b1 a1 a2 b2 ");
}

TEST(Harness, AFailureNamesItsSideAndEndsTheRun) {
  int runs = 0;
  const Side good{"good", [&](int) -> result<void> {
                    ++runs;
                    return {};
                  }};
  const Side bad{"bad", [](int) -> result<void> { return fail(ErrorCode::unavailable, "gone"); }};
  const auto ran = run_alternating("title", {good, bad}, {0, 5}, Progress(true));
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().message, "title, bad: gone");
  EXPECT_EQ(ran.error().code, ErrorCode::unavailable);
  EXPECT_EQ(runs, 1);
}

TEST(Harness, RunTimedCountsEveryCallAndRealCost) {
  int calls = 0;
  const BenchmarkResult result = run_timed("work", {3, 4, 25}, [&] { ++calls; });
  EXPECT_EQ(calls, 3 + 4 * 25);
  EXPECT_EQ(result.iterations, 100U);
  EXPECT_GT(result.memory_mb, 0);
  EXPECT_LE(result.min, result.median);
  EXPECT_LE(result.median, result.p99);
  EXPECT_LE(result.p99, result.max);
}

TEST(ProcessUsage, SeesCpuAndMemoryGrow) {
  const ProcessUsage before = usage_of_self();
  EXPECT_GT(before.rss_bytes, 0U);
  EXPECT_GT(before.pss_bytes, 0U);
  std::vector<char> touched(64 * 1024 * 1024, 1);
  volatile std::uint64_t sink = 0;
  ProcessUsage after = before;
  while (after.cpu_seconds < before.cpu_seconds + 0.02) {  // two ticks of the kernel's clock
    for (std::size_t i = 0; i < touched.size(); i += 64) sink = sink + static_cast<std::uint64_t>(touched[i]);
    after = usage_of_self();
  }
  EXPECT_GE(after.peak_rss_bytes, before.rss_bytes + touched.size() / 2);
}

TEST(ProcessUsage, ThreadsHaveNamesAndTime) {
  const auto threads = threads_of(::getpid());
  ASSERT_FALSE(threads.empty());
  EXPECT_FALSE(threads.front().name.empty());
  EXPECT_GT(threads.front().cpu_seconds, 0);
}

TEST(ProcessUsage, AProcessThatIsNotThere) {
  EXPECT_EQ(usage_of(0x3fffffff).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace sovereign::bench
