// Order statistics, and how far a figure can be trusted.
//
// Pure and deterministic: every resampling takes its seed. Empty input gives zeros.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace sovereign::bench {

struct Interval {
  double low = 0;
  double high = 0;
};

// A figure with its 95 % interval.
struct Estimate {
  double value = 0;
  Interval interval;
};

// Values of each round of a benchmark; rounds are the units that are independent of each other.
using Rounds = std::vector<std::vector<double>>;

double mean(std::span<const double> values);

// p in [0, 1]; linear between the two nearest ranks (Hyndman and Fan 1996, type 7: NumPy's default).
double percentile(std::vector<double> values, double p);
double median(std::vector<double> values);

std::vector<double> pooled(const Rounds& rounds);

// Percentile of all rounds together. Its interval comes from drawing whole rounds with replacement
// (cluster bootstrap; Efron and Tibshirani 1993), because the requests of one round share its luck; with a
// single round its values are drawn.
Estimate percentile_estimate(const Rounds& rounds, double p, std::uint64_t seed);

// Median of the ratios ours[i] / theirs[i], runs of the same round, with a bootstrap interval of that
// median. Pairs with theirs[i] == 0 are left out.
Estimate paired_ratio(std::span<const double> ours, std::span<const double> theirs, std::uint64_t seed);

}  // namespace sovereign::bench
