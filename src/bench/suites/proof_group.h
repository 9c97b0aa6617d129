// One group of the proof suite: measures, and adds its rows, ratios and notes to the report. Each declared
// here is defined in suites/proof_NAME.cpp and listed in suites/proof.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/suites/proof.h"

namespace sovereign::bench {

struct ProofRun {
  const ProofOptions& options;
  const Progress& progress;
  Report& report;

  // Measures the sides beside each other and adds a row for each.
  Costs measure(const std::string& title, const std::vector<CostSide>& sides);
  // The ratio of two of them, as a key of the report.
  void add_ratio(const std::string& key, const std::vector<double>& ours, const std::vector<double>& theirs);
  // An error when the ratio of this key, measured in several rounds, is surely more.
  result<void> require_at_most(const std::string& key, double most) const;
  // A median, as a figure of the report.
  void add_figure(const std::string& key, const std::vector<double>& values);
};

std::vector<double> in_microseconds(const std::vector<double>& nanoseconds);

using ProofGroup = result<void> (*)(ProofRun& run);

result<void> measure_signatures(ProofRun& run);
result<void> measure_canonical_json(ProofRun& run);
result<void> measure_digests(ProofRun& run);
result<void> measure_gates(ProofRun& run);
result<void> measure_logs(ProofRun& run);
result<void> measure_receipts(ProofRun& run);

}  // namespace sovereign::bench
