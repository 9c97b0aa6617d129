#include "cache/slowness.h"

#include <gtest/gtest.h>

namespace sovereign::cache {
namespace {

using namespace std::chrono_literals;

TEST(Slowness, IsOfTheMeanAndTakesEightAnswers) {
  Slowness slowness(25ms);
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(slowness.record(45ms));
  EXPECT_TRUE(slowness.record(45ms));
  EXPECT_TRUE(slowness.record(45ms));
  slowness.forget();
  EXPECT_FALSE(slowness.record(45ms)) << "it begins anew";
}

TEST(Slowness, OneLateAnswerIsForgiven) {
  Slowness slowness(25ms);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(slowness.record(1ms));
  EXPECT_FALSE(slowness.record(50ms));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(slowness.record(20ms));
}

}  // namespace
}  // namespace sovereign::cache
