#include "bench/benchmark_result.h"

#include <algorithm>

namespace sovereign::bench {
namespace {

constexpr std::uint64_t kIntervalSeed = 1;
constexpr double kMegabyte = 1e6;

double lower_percent(double now, double before) { return before == 0 ? 0 : (1 - now / before) * 100; }
double higher_percent(double now, double before) { return before == 0 ? 0 : (now / before - 1) * 100; }

}  // namespace

BenchmarkResult::Improvement BenchmarkResult::improvement_over(const BenchmarkResult& baseline) const {
  Improvement improvement;
  improvement.mean = lower_percent(mean, baseline.mean);
  improvement.median = lower_percent(median, baseline.median);
  improvement.p95 = lower_percent(p95, baseline.p95);
  improvement.p99 = lower_percent(p99, baseline.p99);
  improvement.qps = higher_percent(qps, baseline.qps);
  improvement.memory = lower_percent(memory_mb, baseline.memory_mb);
  return improvement;
}

BenchmarkResult make_result(std::string name, const Rounds& latencies_ms, const RunCost& cost) {
  BenchmarkResult result;
  result.name = std::move(name);
  const std::vector<double> all = pooled(latencies_ms);
  if (all.empty()) return result;
  const Estimate median = percentile_estimate(latencies_ms, 0.5, kIntervalSeed);
  const Estimate p99 = percentile_estimate(latencies_ms, 0.99, kIntervalSeed);
  result.iterations = all.size();
  result.mean = bench::mean(all);
  result.median = median.value;
  result.median_interval = median.interval;
  result.p95 = percentile(all, 0.95);
  result.p99 = p99.value;
  result.p99_interval = p99.interval;
  result.min = *std::min_element(all.begin(), all.end());
  result.max = *std::max_element(all.begin(), all.end());
  if (cost.wall_seconds > 0) {
    result.qps = static_cast<double>(all.size()) / cost.wall_seconds;
    result.cpu_percent = cost.cpu_seconds / cost.wall_seconds * 100;
  }
  result.memory_mb = cost.peak_memory_bytes / kMegabyte;
  return result;
}

}  // namespace sovereign::bench
