#include "omega/signals/likelihood.h"

#include <algorithm>
#include <cmath>

namespace sovereign::omega {
namespace {

bool usable(std::span<const float> logprobs) {
  return !logprobs.empty() &&
         std::all_of(logprobs.begin(), logprobs.end(), [](float p) { return std::isfinite(p) && p <= 0.0F; });
}

double sum_of(std::span<const float> logprobs) {
  double sum = 0;
  for (const float p : logprobs) sum += static_cast<double>(p);
  return sum;
}

}  // namespace

std::optional<double> mean_logprob(std::span<const float> logprobs) {
  if (logprobs.size() < kSpanTokens || !usable(logprobs)) return std::nullopt;
  return sum_of(logprobs) / static_cast<double>(logprobs.size());
}

std::optional<double> weakest_span_logprob(std::span<const float> logprobs) {
  if (logprobs.size() < kSpanTokens || !usable(logprobs)) return std::nullopt;
  double least = 0;
  for (std::size_t begin = 0; begin + kSpanTokens <= logprobs.size(); ++begin) {
    least = std::min(least, sum_of(logprobs.subspan(begin, kSpanTokens)));
  }
  return least / static_cast<double>(kSpanTokens);
}

}  // namespace sovereign::omega
