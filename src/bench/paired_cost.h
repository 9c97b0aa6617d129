// What short operations cost beside each other, in nanoseconds of this thread's CPU time: for code that runs
// in microseconds and neither blocks nor hands work to other threads.
//
// Each side's work is repeated until a round has lasted long enough for the clock; sides take turns within a
// round, so that what the machine does to one it does to the other. CPU time leaves out what other processes
// took, not what they did to the caches.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/benchmark_result.h"
#include "bench/harness.h"
#include "bench/statistics.h"

namespace sovereign::bench {

struct CostSide {
  std::string name;
  std::size_t operations;  // that one call of `work` does
  std::function<void()> work;
};

struct CostOptions {
  int rounds = 9;
  double round_ms = 30;  // at least, of CPU time, per side and round
};

// Per side, in the order given: nanoseconds of CPU time per operation, one value a round.
using Costs = std::vector<std::vector<double>>;
Costs paired_costs(const std::string& title, const std::vector<CostSide>& sides, const CostOptions& options,
                   const Progress& progress);

// A row of the report: each round's mean cost counts as one latency; qps is operations per second of CPU.
BenchmarkResult cost_result(const std::string& name, const std::vector<double>& ns_per_operation);

// Keeps the compiler from leaving out what computes `value`.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace sovereign::bench
