// A seeded world of queries for the canary's tests: how often they call a good variant worse, and how soon a
// bad one. The tests of the comparison and `sovereign-bench canary` run it; docs/canary.md shows its table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/canary/comparison.h"

namespace sovereign::bench {

// How long answers take: the logarithm's spread, and how heavy the tail is.
enum class LatencyShape {
  even,   // log-normal, sigma 0.3: answers of one kind and length
  mixed,  // log-normal, sigma 1: short and long ones (95th percentile 5 times the median)
  heavy,  // Pareto, index 1.5: mean 3, no variance
  cliff,  // one query in twenty takes 30 times as long
};
std::string_view to_string(LatencyShape shape);

// The variant's difference; 1 and 0: none.
struct Effect {
  double slower = 1;   // all its times, times this
  double hanging = 0;  // share of its queries that take 10 times as long
  double errors = 0;   // its error rate; 0: as control's
  double quality = 1;  // its scores, times this
};

struct World {
  LatencyShape shape = LatencyShape::mixed;
  double error_rate = 0.001;
  bool has_quality = true;
  bool tides = false;  // load makes everything up to 3 times slower and back, every 500 queries
  Effect effect;
  std::uint32_t good_queries = 0;  // before the variant differs; counted neither as queries nor as delay
  gateway::ComparisonConfig comparison;
  std::uint32_t queries = 20'000;  // after them a run ends
};

struct Run {
  // Queries of both arms, from when the variant differs, until it was called worse; none: never. 0: before.
  std::optional<std::uint32_t> stopped_after;
  std::optional<gateway::Metric> metric;
  std::optional<std::uint32_t> fine_after;  // queries until it was shown to be fine
};

// Queries arrive as a Poisson process and are seen as they end, so that slow ones are seen late. Every
// full block is followed by a look: between two, the evidence does not change.
Run simulate_canary(const World& world, std::uint64_t seed);

struct RunStatistics {
  std::uint32_t runs = 0;
  std::uint32_t stopped = 0;
  double median_queries = 0;  // until it was stopped; of runs that were not: infinite
  double p90_queries = 0;
  std::uint32_t fine = 0;
  double median_fine = 0;

  double stopped_share() const { return static_cast<double>(stopped) / runs; }
};
RunStatistics simulate_canaries(const World& world, std::uint32_t runs, std::uint64_t seed);

}  // namespace sovereign::bench
