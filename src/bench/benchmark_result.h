// What one benchmark measured: the latencies of its iterations, its rate, and what it cost.
#pragma once

#include <cstdint>
#include <string>

#include "bench/statistics.h"

namespace sovereign::bench {

// Latencies in milliseconds.
struct BenchmarkResult {
  std::string name;
  std::uint64_t iterations = 0;
  double mean = 0;
  double median = 0;
  double p95 = 0;
  double p99 = 0;
  double min = 0;
  double max = 0;
  double qps = 0;            // iterations per second of wall time, all clients together
  double cpu_percent = 0;    // of one CPU, of the process measured; 200: two CPUs busy
  double memory_mb = 0;      // peak resident set of that process
  Interval median_interval;  // 95 %
  Interval p99_interval;     // 95 %

  // Percent by which this result is lower than the baseline's (latencies, memory) or higher (qps);
  // negative: worse. 0 where the baseline is 0.
  struct Improvement {
    double mean = 0;
    double median = 0;
    double p95 = 0;
    double p99 = 0;
    double qps = 0;
    double memory = 0;
  };
  Improvement improvement_over(const BenchmarkResult& baseline) const;
};

// What a run cost besides time; fill in what was measured.
struct RunCost {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  double peak_memory_bytes = 0;
};

// Latencies in milliseconds, by round.
BenchmarkResult make_result(std::string name, const Rounds& latencies_ms, const RunCost& cost);

}  // namespace sovereign::bench
