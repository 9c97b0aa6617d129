#include "gateway/canary/betting_test.h"

#include <algorithm>
#include <cmath>

namespace sovereign::gateway {

double log_mean_exp(std::span<const double> logs) {
  const double largest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double each : logs) sum += std::exp(each - largest);
  return largest + std::log(sum / static_cast<double>(logs.size()));
}

void BettingTest::observe(double score) {
  double stake = largest_stake_;
  for (double& wealth : wealth_) {
    wealth += std::log1p(stake * score);
    stake /= 2;
  }
}

}  // namespace sovereign::gateway
