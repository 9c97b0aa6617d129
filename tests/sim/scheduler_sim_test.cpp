// The scheduler under 10,000 seeded worlds. SOVEREIGN_SIM_SEEDS sets another number, SOVEREIGN_SIM_SEED
// replays one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "sim/scheduler_world.h"

namespace sovereign::engine::sim {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::stoull(value);
}

TEST(SchedulerSim, EverySeedKeepsTheInvariants) {
  const std::uint64_t first = from_environment("SOVEREIGN_SIM_SEED", 1);
  const bool replay = std::getenv("SOVEREIGN_SIM_SEED") != nullptr;
  const std::uint64_t seeds = replay ? 1 : from_environment("SOVEREIGN_SIM_SEEDS", 10'000);
  WorldReport total;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const WorldReport report = SchedulerWorld(seed).run();
    ASSERT_FALSE(report.violation) << *report.violation << "\nreplay with SOVEREIGN_SIM_SEED=" << seed;
    total.steps += report.steps;
    total.finished += report.finished;
    total.cancelled += report.cancelled;
    total.expired += report.expired;
    total.failed += report.failed;
    total.preemptions += report.preemptions;
    total.shared_tokens += report.shared_tokens;
    total.computed_tokens += report.computed_tokens;
    total.drafted_tokens += report.drafted_tokens;
    total.accepted_tokens += report.accepted_tokens;
  }
  std::cout << seeds << " seeds: " << total.steps << " steps, " << total.finished << " finished, "
            << total.cancelled << " cancelled, " << total.expired << " expired, " << total.failed
            << " failed, " << total.preemptions << " preemptions, " << total.shared_tokens
            << " tokens shared, " << total.computed_tokens << " computed, " << total.drafted_tokens
            << " drafted, " << total.accepted_tokens << " accepted\n";
  if (seeds < 1'000) return;
  // A simulator that never reaches a corner proves nothing about it.
  EXPECT_GT(total.finished, seeds);
  EXPECT_GT(total.cancelled, seeds);
  EXPECT_GT(total.expired, seeds);
  EXPECT_GT(total.failed, seeds / 10);
  EXPECT_GT(total.preemptions, seeds);
  EXPECT_GT(total.shared_tokens, total.computed_tokens / 10);
  EXPECT_GT(total.accepted_tokens, total.drafted_tokens / 10);
  EXPECT_LT(total.accepted_tokens, total.drafted_tokens * 9 / 10);
}

// Arrivals that never let the queue run empty: each sequence still ends within what was ahead of it.
TEST(SchedulerSim, NobodyStarvesWhileOthersKeepArriving) {
  const std::uint64_t first = from_environment("SOVEREIGN_SIM_SEED", 1);
  const std::uint64_t seeds = std::getenv("SOVEREIGN_SIM_SEED") != nullptr ? 1 : 100;
  std::uint64_t finished = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const WorldReport report = SchedulerWorld(seed, true).run();
    ASSERT_FALSE(report.violation) << *report.violation << "\nreplay with SOVEREIGN_SIM_SEED=" << seed;
    finished += report.finished;
  }
  EXPECT_GT(finished, 100 * seeds);
}

}  // namespace
}  // namespace sovereign::engine::sim
