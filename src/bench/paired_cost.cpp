#include "bench/paired_cost.h"

#include <ctime>

#include <fmt/format.h>

namespace sovereign::bench {
namespace {

double thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The work is done so many times that the clock's own cost and grain vanish.
double cost_of(const CostSide& side, double round_ns, std::size_t& calls) {
  for (;;) {
    const double start = thread_cpu_ns();
    for (std::size_t i = 0; i < calls; ++i) side.work();
    const double spent = thread_cpu_ns() - start;
    if (spent >= round_ns) return spent / static_cast<double>(calls * side.operations);
    calls *= 2;
  }
}

}  // namespace

Costs paired_costs(const std::string& title, const std::vector<CostSide>& sides, const CostOptions& options,
                   const Progress& progress) {
  Costs costs(sides.size());
  std::vector<std::size_t> calls(sides.size(), 1);
  const double round_ns = options.round_ms * 1e6;
  for (int round = -1; round < options.rounds; ++round) {
    progress.step(round < 0 ? fmt::format("{}: warm-up", title)
                            : fmt::format("{}: round {} of {}", title, round + 1, options.rounds));
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const std::size_t at = round % 2 == 0 ? i : sides.size() - 1 - i;
      const double ns = cost_of(sides[at], round_ns, calls[at]);
      if (round >= 0) costs[at].push_back(ns);
    }
  }
  progress.done();
  return costs;
}

BenchmarkResult cost_result(const std::string& name, const std::vector<double>& ns_per_operation) {
  Rounds rounds;
  double total_ns = 0;
  for (const double ns : ns_per_operation) {
    rounds.push_back({ns / 1e6});
    total_ns += ns;
  }
  RunCost cost;
  cost.wall_seconds = total_ns / 1e9;
  cost.cpu_seconds = total_ns / 1e9;
  return make_result(name, rounds, cost);
}

}  // namespace sovereign::bench
