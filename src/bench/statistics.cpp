#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "bench/random.h"

namespace sovereign::bench {
namespace {

constexpr int kResamples = 1000;
constexpr double kTail = 0.025;  // on each side of a 95 % interval

Interval interval_of(std::vector<double> statistics) {
  return {percentile(statistics, kTail), percentile(statistics, 1 - kTail)};
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const double rank = std::clamp(p, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), values.begin() + below, values.end());
  const double low = values[static_cast<std::size_t>(below)];
  if (static_cast<std::size_t>(below) + 1 == values.size()) return low;
  const double high = *std::min_element(values.begin() + below + 1, values.end());
  return low + (high - low) * (rank - static_cast<double>(below));
}

double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }

std::vector<double> pooled(const Rounds& rounds) {
  std::vector<double> all;
  for (const auto& round : rounds) all.insert(all.end(), round.begin(), round.end());
  return all;
}

Estimate percentile_estimate(const Rounds& rounds, double p, std::uint64_t seed) {
  std::vector<double> all = pooled(rounds);
  if (all.empty()) return {};
  std::mt19937_64 random(seed);
  std::vector<double> statistics;
  for (int i = 0; i < kResamples; ++i) {
    std::vector<double> sample;
    sample.reserve(all.size());
    if (rounds.size() == 1) {
      for (std::size_t k = 0; k < all.size(); ++k) sample.push_back(all[draw_below(random, all.size())]);
    } else {
      for (std::size_t k = 0; k < rounds.size(); ++k) {
        const auto& round = rounds[draw_below(random, rounds.size())];
        sample.insert(sample.end(), round.begin(), round.end());
      }
    }
    if (!sample.empty()) statistics.push_back(percentile(std::move(sample), p));
  }
  return {percentile(std::move(all), p), interval_of(std::move(statistics))};
}

Estimate paired_ratio(std::span<const double> ours, std::span<const double> theirs, std::uint64_t seed) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    if (theirs[i] != 0) ratios.push_back(ours[i] / theirs[i]);
  }
  if (ratios.empty()) return {};
  std::mt19937_64 random(seed);
  std::vector<double> medians;
  for (int i = 0; i < kResamples; ++i) {
    std::vector<double> sample;
    for (std::size_t k = 0; k < ratios.size(); ++k)
      sample.push_back(ratios[draw_below(random, ratios.size())]);
    medians.push_back(median(std::move(sample)));
  }
  return {median(std::move(ratios)), interval_of(std::move(medians))};
}

}  // namespace sovereign::bench
