// The canary's sequential tests in a simulated world: false alarms, and the delay until a worse variant is
// stopped. docs/canary.md has the table.
//
//   false_alarms_within_margin   largest share of runs, over all shapes of latency, in which a variant
//   exactly
//                                as much slower as the margin allows was stopped; alpha is 0.05
//   false_alarms_no_difference   likewise of variants that do not differ
//   queries_until_stopped_…      of both arms, the median; alpha is 0.01
#pragma once

#include <cstdint>
#include <string>

#include "bench/harness.h"
#include "bench/report.h"

namespace sovereign::bench {

struct CanarySuiteOptions {
  std::uint32_t runs = 1'000;      // of worlds in which nothing should be stopped
  std::uint32_t effects = 200;     // runs of the others
  std::uint32_t queries = 10'000;  // of a run in which nothing should be stopped
  bool smoke = false;              // a few short runs; the report is canary-smoke
  std::uint64_t seed = 1;
  std::string date;
};

result<Report> run_canary_suite(const CanarySuiteOptions& options, const Progress& progress);

}  // namespace sovereign::bench
