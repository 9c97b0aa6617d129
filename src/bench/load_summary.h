// What the runs of one load say together: latencies by round, rates, goodput.
#pragma once

#include <string>
#include <vector>

#include "bench/benchmark_result.h"
#include "bench/load_generator.h"
#include "bench/statistics.h"

namespace sovereign::bench {

// A request is good when it met both (as in DistServe, OSDI '24).
struct LatencyTarget {
  double ttft_ms = 2000;
  double tpot_ms = 100;
};

// Failed requests count in no latency and no rate; `errors` holds their messages. Pure.
class LoadSummary {
 public:
  void add(const LoadRun& run, const RunCost& cost = {});

  std::size_t runs() const { return wall_seconds_.size(); }
  const Rounds& ttft_ms() const { return ttft_ms_; }
  const Rounds& gaps_ms() const { return gaps_ms_; }
  const Rounds& tpot_ms() const { return tpot_ms_; }
  const Rounds& total_ms() const { return total_ms_; }
  const std::vector<std::string>& errors() const { return errors_; }

  // Of each round.
  std::vector<double> output_tokens_per_second() const;
  std::vector<double> requests_per_second() const;
  std::vector<double> percentile_of(const Rounds& rounds, double p) const;

  // Good requests per second of wall time, all rounds together.
  double goodput(const LatencyTarget& target) const;

  // "<name> ttft", "<name> gap", "<name> tpot", "<name> e2e".
  std::vector<BenchmarkResult> results(const std::string& name) const;
  // The last of them.
  BenchmarkResult end_to_end(const std::string& name) const;

 private:
  Rounds ttft_ms_;
  Rounds gaps_ms_;
  Rounds tpot_ms_;
  Rounds total_ms_;
  std::vector<double> wall_seconds_;
  std::vector<double> output_tokens_;
  RunCost cost_;
  std::vector<std::string> errors_;
};

}  // namespace sovereign::bench
