// Variant against control over all quantities, by blocks of consecutive queries. It may be looked at after
// every query, as often as one likes: the chance that it ever calls a variant worse which is within the
// margin stays below alpha (docs/canary.md has the reasons and the simulation).
//
// Each of the five quantities may spend alpha / 5 (Bonferroni), so that a verdict names its quantity.
// Pure. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/canary/metric_tests.h"
#include "gateway/canary/observation.h"

namespace sovereign::gateway {

struct ComparisonConfig {
  double margin = 0.1;  // a variant that is worse by no more is not called worse
  double alpha = 0.01;  // chance of calling such a variant worse, ever
  double share = 0.1;   // the variant's, for the length of blocks
};

// Queries in a block: so many that about one is the smaller arm's.
std::uint32_t block_queries(double share);

// One quantity, for people.
struct MetricView {
  struct Side {
    double count = 0;
    double mean = 0;    // seconds, rate, score
    double median = 0;  // of times
    double p90 = 0;     // of times
  };
  Metric metric{};
  Side control;
  Side variant;
  double worse = 0;  // evidence that the variant is worse, over what is needed: 1 is the verdict
  double fine = 0;   // evidence that it is not, likewise

  bool measured() const { return control.count > 0 && variant.count > 0; }
};

class Comparison {
 public:
  explicit Comparison(const ComparisonConfig& config);

  // True when a block is full: the evidence may have changed.
  bool observe(const Observation& observation);

  // The quantity by which the variant is worse beyond the margin; none: not shown.
  std::optional<Metric> worse() const;
  // Whether every quantity that is measured was shown not to be worse beyond the margin; each with a chance
  // of at most alpha that this is wrong.
  bool fine() const;
  MetricView view(Metric metric) const;
  double observed(Arm arm) const;  // queries in full blocks

  // All that it knows but for the block that is filling, as numbers.
  std::vector<double> save() const;
  // False, changing nothing, when that is no such state.
  bool restore(const std::vector<double>& numbers);

 private:
  template <class Visitor>
  void visit(Visitor&& number);
  void close_block();
  double worse_evidence(Metric metric) const;
  double fine_evidence(Metric metric) const;

  ComparisonConfig config_;
  std::vector<Observation> block_;
  std::array<TimeTest, kTimes> times_;
  ErrorTest errors_;
  QualityTest quality_;
};

}  // namespace sovereign::gateway
