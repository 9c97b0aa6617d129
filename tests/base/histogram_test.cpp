#include "base/histogram.h"

#include <gtest/gtest.h>

namespace sovereign {
namespace {

TEST(Histogram, AValueOnABoundFallsIntoThatBoundsBucket) {
  Histogram histogram({1, 2, 4});
  for (const double value : {0.5, 1.0, 1.5, 4.0, 4.1}) histogram.observe(value);

  EXPECT_EQ(histogram.count_in(0), 2U);
  EXPECT_EQ(histogram.count_in(1), 1U);
  EXPECT_EQ(histogram.count_in(2), 1U);
  EXPECT_EQ(histogram.count_in(3), 1U) << "+Inf";
  EXPECT_EQ(histogram.count(), 5U);
  EXPECT_DOUBLE_EQ(histogram.sum(), 11.1);
}

TEST(Histogram, LatencyBoundsAscend) {
  const auto bounds = Histogram::latency();
  for (std::size_t i = 1; i < bounds.size(); ++i) EXPECT_LT(bounds[i - 1], bounds[i]);
}

}  // namespace
}  // namespace sovereign
