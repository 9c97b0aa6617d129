#include "bench/suites/canary_simulation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <queue>
#include <random>

#include "bench/random.h"
#include "gateway/canary/assignment.h"

namespace sovereign::bench {
namespace {

using gateway::Arm;
using gateway::Observation;

constexpr double kArrivalsPerSecond = 20;  // about 20 queries at a time
constexpr double kTideQueries = 500;
constexpr double kHang = 10;  // times as long

class Traffic {
 public:
  Traffic(const World& world, std::uint64_t seed) : world_(world), random_(seed) {}

  struct Query {
    double arrives = 0;
    double ends = 0;
    Observation seen;
  };
  Query next() {
    const std::uint64_t query = random_();
    now_ += -std::log(1 - draw_fraction(random_)) / kArrivalsPerSecond;
    Observation seen;
    seen.arm = gateway::assign_arm("simulated", query, world_.comparison.share);
    const bool variant = seen.arm == Arm::variant;
    const Effect effect = count_ < world_.good_queries ? Effect{} : world_.effect;
    const double errors = variant && effect.errors > 0 ? effect.errors : world_.error_rate;
    double latency = draw_latency() * tide();
    ++count_;
    if (variant) latency *= effect.slower;
    if (variant && draw_fraction(random_) < effect.hanging) latency *= kHang;
    seen.failed = draw_fraction(random_) < errors;
    if (!seen.failed) {
      seen.seconds = {latency, 0.2 * latency * jitter(), 0.01 * latency * jitter()};
      // Most answers are as good as they get; some are not.
      double score = draw_fraction(random_) < 0.7 ? 1 : draw_fraction(random_);
      if (variant) score *= effect.quality;
      if (world_.has_quality) seen.quality = score;
    }
    return {now_, now_ + latency, seen};
  }

 private:
  double jitter() { return std::exp(0.2 * normal_(random_)); }
  double tide() const {
    if (!world_.tides) return 1;
    return 2 + std::sin(2 * std::numbers::pi * static_cast<double>(count_) / kTideQueries);
  }
  double draw_latency() {
    switch (world_.shape) {
      case LatencyShape::even: return std::exp(0.3 * normal_(random_));
      case LatencyShape::mixed: return std::exp(normal_(random_));
      case LatencyShape::heavy: return std::pow(1 - draw_fraction(random_), -1 / 1.5);
      case LatencyShape::cliff:
        return std::exp(0.3 * normal_(random_)) * (draw_fraction(random_) < 0.05 ? 30 : 1);
    }
    return 1;
  }

  const World& world_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double now_ = 0;
  std::uint64_t count_ = 0;
};

double quantile(std::vector<double> values, double at) {
  if (values.empty()) return 0;
  const auto index = static_cast<std::size_t>(at * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

}  // namespace

std::string_view to_string(LatencyShape shape) {
  switch (shape) {
    case LatencyShape::even: return "even";
    case LatencyShape::mixed: return "mixed";
    case LatencyShape::heavy: return "heavy";
    case LatencyShape::cliff: return "cliff";
  }
  return "even";
}

Run simulate_canary(const World& world, std::uint64_t seed) {
  Traffic traffic(world, seed);
  gateway::Comparison comparison(world.comparison);
  const auto later = [](const Traffic::Query& a, const Traffic::Query& b) { return a.ends > b.ends; };
  std::priority_queue<Traffic::Query, std::vector<Traffic::Query>, decltype(later)> under_way(later);
  Run run;
  const std::uint32_t queries = world.good_queries + world.queries;
  const auto delay = [&](std::uint32_t seen) { return seen - std::min(seen, world.good_queries); };
  for (std::uint32_t seen = 0; seen < queries;) {
    const Traffic::Query arriving = traffic.next();
    while (!under_way.empty() && under_way.top().ends <= arriving.arrives && seen < queries) {
      ++seen;
      const bool looked = comparison.observe(under_way.top().seen);
      under_way.pop();
      if (!looked) continue;
      if (!run.fine_after && comparison.fine()) run.fine_after = seen;
      run.metric = comparison.worse();
      if (!run.metric) continue;
      run.stopped_after = delay(seen);
      return run;
    }
    under_way.push(arriving);
  }
  return run;
}

RunStatistics simulate_canaries(const World& world, std::uint32_t runs, std::uint64_t seed) {
  RunStatistics statistics;
  statistics.runs = runs;
  std::vector<double> stopped;
  std::vector<double> fine;
  for (std::uint32_t i = 0; i < runs; ++i) {
    const Run run = simulate_canary(world, seed * 1'000'003 + i);
    const double never = std::numeric_limits<double>::infinity();
    stopped.push_back(run.stopped_after ? *run.stopped_after : never);
    fine.push_back(run.fine_after ? *run.fine_after : never);
    statistics.stopped += run.stopped_after ? 1 : 0;
    statistics.fine += run.fine_after ? 1 : 0;
  }
  statistics.median_queries = quantile(stopped, 0.5);
  statistics.p90_queries = quantile(stopped, 0.9);
  statistics.median_fine = quantile(fine, 0.5);
  return statistics;
}

}  // namespace sovereign::bench
