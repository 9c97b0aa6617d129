#include "omega/ihsan_vector.h"

#include <gtest/gtest.h>

#include <limits>

namespace sovereign::omega {
namespace {

TEST(IhsanVector, StartsUnmeasured) {
  const IhsanVector vector;
  EXPECT_EQ(vector.measured_count(), 0u);
  EXPECT_FALSE(vector.mean().has_value());
  EXPECT_FALSE(vector.minimum().has_value());
  for (std::size_t d = 0; d < kDimensions; ++d) {
    EXPECT_FALSE(vector.get(static_cast<Dimension>(d)).has_value());
  }
}

TEST(IhsanVector, RefusesValuesOutsideTheUnitInterval) {
  IhsanVector vector;
  ASSERT_TRUE(vector.set(Dimension::justice, 0.25));
  for (const double bad :
       {-0.001, 1.001, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(vector.set(Dimension::justice, bad));
    EXPECT_EQ(vector.get(Dimension::justice), 0.25);
  }
  EXPECT_TRUE(vector.set(Dimension::justice, 0.0));
  EXPECT_TRUE(vector.set(Dimension::justice, 1.0));
}

TEST(IhsanVector, StatisticsSeeMeasuredDimensionsOnly) {
  IhsanVector vector;
  ASSERT_TRUE(vector.set(Dimension::truthfulness, 1.0));
  ASSERT_TRUE(vector.set(Dimension::gratitude, 0.5));
  EXPECT_EQ(vector.measured_count(), 2u);
  EXPECT_EQ(vector.mean(), 0.75);
  EXPECT_EQ(vector.minimum(), 0.5);
  vector.set_unmeasured(Dimension::gratitude);
  EXPECT_EQ(vector.mean(), 1.0);
  EXPECT_FALSE(vector.get(Dimension::gratitude).has_value());
}

TEST(IhsanVector, WorksInConstantExpressions) {
  constexpr auto mean = [] {
    IhsanVector vector;
    vector.set(Dimension::wisdom, 0.5);
    return vector.mean();
  }();
  static_assert(mean == 0.5);
  static_assert(to_string(Dimension::gratitude) == "gratitude");
  static_assert(sizeof(IhsanVector) == 64);
}

}  // namespace
}  // namespace sovereign::omega
