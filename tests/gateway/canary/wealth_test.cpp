#include "gateway/canary/wealth.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sovereign::gateway {
namespace {

TEST(Wealth, NothingIsWonWhereNothingIsToBeWon) {
  Wealth<3> wealth;
  EXPECT_DOUBLE_EQ(wealth.log_evidence(), 0);
  for (int i = 0; i < 100'000; ++i) {
    wealth.grow({0, 0, 0});
    ASSERT_NEAR(wealth.log_evidence(), 0, 1e-9) << i;
  }
}

TEST(Wealth, GrowsByEachGamblersOwnFactor) {
  Wealth<2> wealth;
  wealth.grow({std::log(3.0), std::log(0.5)});
  const double waiting = 0.5 * std::log(2.0) / std::log(3.0);
  EXPECT_NEAR(std::exp(wealth.log_evidence()), (1 - waiting) * (3 + 0.5) / 2 + waiting, 1e-12);
}

// What was lost in ten thousand good observations need not be won back first.
TEST(Wealth, FreshCapitalBetsOnWhatBeginsLate) {
  Wealth<1> wealth;
  for (int i = 0; i < 10'000; ++i) wealth.grow({std::log(0.9)});
  EXPECT_LT(wealth.log_evidence(), std::log(0.05)) << "what is lost is lost";
  int later = 0;
  while (wealth.log_evidence() < std::log(500)) {
    wealth.grow({std::log(1.5)});
    ++later;
  }
  EXPECT_LT(later, 60) << "0.9^10,000 would take 2,600";
}

}  // namespace
}  // namespace sovereign::gateway
