#include "gateway/canary/wealth.h"

namespace sovereign::gateway {

double log_mean_exp(std::span<const double> logs) {
  const double largest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double each : logs) sum += std::exp(each - largest);
  return largest + std::log(sum / static_cast<double>(logs.size()));
}

}  // namespace sovereign::gateway
