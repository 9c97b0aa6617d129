#include "gateway/canary/assignment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sovereign::gateway {
namespace {

TEST(Assignment, IsTheSameEverywhereAndForEver) {
  // Recomputed from docs/canary.md by another program; a change here would move clients between arms.
  EXPECT_EQ(hash_text(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(hash_text("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(assign_arm("bigger-model", 0, 0.5), Arm::control);
  EXPECT_EQ(assign_arm("bigger-model", 1, 0.5), Arm::control);
  EXPECT_EQ(assign_arm("bigger-model", 2, 0.5), Arm::variant);
  EXPECT_EQ(assign_arm("bigger-model", 3, 0.5), Arm::variant);
}

TEST(Assignment, GivesTheVariantItsShare) {
  for (const double share : {0.01, 0.1, 0.5}) {
    int variants = 0;
    constexpr int kQueries = 100'000;
    for (int i = 0; i < kQueries; ++i) {
      variants += assign_arm("a", hash_text(fmt::format("query {}", i)), share) == Arm::variant ? 1 : 0;
    }
    EXPECT_NEAR(variants, share * kQueries, 4.5 * std::sqrt(kQueries * share * (1 - share))) << share;
  }
}

TEST(Assignment, OfNobodyAndOfEverybody) {
  for (std::uint64_t unit = 0; unit < 1000; ++unit) {
    EXPECT_EQ(assign_arm("a", unit, 0), Arm::control);
    EXPECT_EQ(assign_arm("a", unit, 1), Arm::variant);
  }
}

TEST(Assignment, AGrowingShareKeepsWhoWasInIt) {
  for (std::uint64_t unit = 0; unit < 10'000; ++unit) {
    if (assign_arm("a", unit, 0.1) == Arm::variant) {
      EXPECT_EQ(assign_arm("a", unit, 0.2), Arm::variant);
    }
  }
}

TEST(Assignment, AnotherCanaryDrawsAnew) {
  int both = 0;
  constexpr int kQueries = 100'000;
  for (std::uint64_t unit = 0; unit < kQueries; ++unit) {
    both += assign_arm("first", unit, 0.1) == Arm::variant && assign_arm("second", unit, 0.1) == Arm::variant;
  }
  EXPECT_NEAR(both, 0.01 * kQueries, 4.5 * std::sqrt(kQueries * 0.01 * 0.99));
}

}  // namespace
}  // namespace sovereign::gateway
