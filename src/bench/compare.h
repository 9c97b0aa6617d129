// Two reports of the same benchmark: did anything get worse, beyond noise? (Continuous benchmarking.)
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"

namespace sovereign::bench {

struct ComparisonLimits {
  double worse_by = 0.10;  // more than this, and beyond the noise, is a regression
};

struct Difference {
  std::string what;  // "serve/e2e sovereign p99"
  double before = 0;
  double after = 0;
  double change = 0;          // fraction; positive: worse
  bool beyond_noise = false;  // the 95 % intervals do not touch
  bool regression = false;
};

struct Comparison {
  std::vector<Difference> differences;  // median and p99 of each result that both have
  std::vector<std::string> missing;     // results that only the baseline has
  bool regressed() const;
};

// A result that disappeared is reported, not a regression: a peer may be absent. Pure.
Comparison compare(const Report& baseline, const Report& candidate, const ComparisonLimits& limits = {});

std::string to_table(const Comparison& comparison);

}  // namespace sovereign::bench
