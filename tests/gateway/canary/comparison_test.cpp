#include "gateway/canary/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace sovereign::gateway {
namespace {

Observation answered(Arm arm, double seconds, double quality = 1) {
  Observation seen;
  seen.arm = arm;
  seen.seconds = {seconds, seconds / 5, seconds / 100};
  seen.quality = quality;
  return seen;
}

Observation failed(Arm arm) {
  Observation seen;
  seen.arm = arm;
  seen.failed = true;
  return seen;
}

// Queries until the verdict, of a stream in which every tenth is the variant's.
template <class Make>
int queries_until_worse(Comparison& comparison, int most, Make make) {
  std::mt19937_64 random(5);
  for (int i = 1; i <= most; ++i) {
    comparison.observe(make(random() % 10 == 0 ? Arm::variant : Arm::control, random));
    if (comparison.worse()) return i;
  }
  return most + 1;
}

TEST(Comparison, BlocksHoldAboutOneOfTheSmallerArm) {
  EXPECT_EQ(block_queries(0.1), 10U);
  EXPECT_EQ(block_queries(0.05), 20U);
  EXPECT_EQ(block_queries(0.5), 8U);
  EXPECT_EQ(block_queries(0.9), 10U);
  EXPECT_EQ(block_queries(0.001), 64U);
  EXPECT_EQ(block_queries(0), 64U);
  EXPECT_EQ(block_queries(1), 64U);
}

TEST(Comparison, NamesWhatIsWorse) {
  const auto jitter = [](std::mt19937_64& random) { return 1 + static_cast<double>(random() % 100) / 100; };
  Comparison slow({});
  EXPECT_LT(queries_until_worse(slow, 5000,
                                [&](Arm arm, auto& random) {
                                  return answered(arm, jitter(random) * (arm == Arm::variant ? 2 : 1));
                                }),
            1000);
  const auto slow_metric = slow.worse();
  ASSERT_TRUE(slow_metric);
  EXPECT_LT(static_cast<std::size_t>(*slow_metric), kTimes);

  Comparison failing({});
  EXPECT_LT(queries_until_worse(failing, 5000,
                                [&](Arm arm, auto& random) {
                                  return arm == Arm::variant ? failed(arm) : answered(arm, jitter(random));
                                }),
            200);
  EXPECT_EQ(failing.worse(), Metric::errors);

  Comparison bad({});
  EXPECT_LT(queries_until_worse(bad, 5000,
                                [&](Arm arm, auto& random) {
                                  return answered(arm, jitter(random), arm == Arm::variant ? 0.4 : 0.9);
                                }),
            1000);
  EXPECT_EQ(bad.worse(), Metric::quality);
  EXPECT_GE(bad.view(Metric::quality).worse, 1);
  EXPECT_NEAR(bad.view(Metric::quality).variant.mean, 0.4, 1e-9);
}

TEST(Comparison, IsFineOnlyWhenEveryMeasuredQuantityIs) {
  Comparison comparison({});
  EXPECT_FALSE(comparison.fine());
  std::mt19937_64 random(11);
  int queries = 0;
  for (; !comparison.fine() && queries < 50'000; ++queries) {
    Observation seen = answered(random() % 10 == 0 ? Arm::variant : Arm::control,
                                1 + static_cast<double>(random() % 10) / 100);
    seen.quality.reset();  // nobody assesses: then it does not stand in the way
    comparison.observe(seen);
    ASSERT_FALSE(comparison.worse());
  }
  EXPECT_LT(queries, 50'000);
  EXPECT_FALSE(comparison.view(Metric::quality).measured());
}

// Clients wait for 60 s, control answers within 55 to 59, the variant never: of the times alone it would be
// within the margin, and nothing else of it is measured.
TEST(Comparison, WhoAnswersNobodyIsNotFine) {
  Comparison comparison({});
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 10 == 0) {
      Observation seen;
      seen.arm = Arm::variant;
      seen.left = true;
      seen.seconds[static_cast<std::size_t>(Metric::latency)] = 60;
      comparison.observe(seen);
    } else {
      comparison.observe(answered(Arm::control, 55 + static_cast<double>(random() % 400) / 100));
    }
    ASSERT_FALSE(comparison.fine()) << i;
  }
  EXPECT_FALSE(comparison.worse());
}

TEST(Comparison, AStateIsTakenOverWhole) {
  Comparison comparison({});
  std::mt19937_64 random(13);
  for (int i = 0; i < 1000; ++i) {
    comparison.observe(
        answered(random() % 10 == 0 ? Arm::variant : Arm::control, 1 + static_cast<double>(random() % 100)));
  }
  Comparison restored({});
  ASSERT_TRUE(restored.restore(comparison.save()));
  EXPECT_EQ(restored.save(), comparison.save());
  EXPECT_EQ(restored.observed(Arm::control), comparison.observed(Arm::control));
  for (const Metric metric : kMetrics) {
    EXPECT_EQ(restored.view(metric).worse, comparison.view(metric).worse);
  }
}

TEST(Comparison, RefusesWhatIsNoState) {
  Comparison comparison({});
  const auto empty = comparison.save();
  auto numbers = empty;
  numbers.pop_back();
  EXPECT_FALSE(comparison.restore(numbers));
  numbers = empty;
  numbers.push_back(0);
  EXPECT_FALSE(comparison.restore(numbers));
  numbers = empty;
  numbers[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(comparison.restore(numbers));
  EXPECT_EQ(comparison.save(), empty);
}

}  // namespace
}  // namespace sovereign::gateway
