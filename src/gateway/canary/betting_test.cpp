#include "gateway/canary/betting_test.h"

#include <cmath>

namespace sovereign::gateway {

void BettingTest::observe(double score) {
  std::array<double, kGamblers> factors{};
  double stake = largest_stake_;
  for (double& factor : factors) {
    factor = std::log1p(stake * score);
    stake /= 2;
  }
  wealth_.grow(factors);
}

}  // namespace sovereign::gateway
