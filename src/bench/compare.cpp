#include "bench/compare.h"

#include <fmt/format.h>

#include <algorithm>

namespace sovereign::bench {
namespace {

Difference difference(std::string what, double before, const Interval& before_interval, double after,
                      const Interval& after_interval, const ComparisonLimits& limits) {
  Difference d;
  d.what = std::move(what);
  d.before = before;
  d.after = after;
  d.change = before > 0 ? after / before - 1 : 0;
  d.beyond_noise = after_interval.low > before_interval.high || after_interval.high < before_interval.low;
  d.regression = d.beyond_noise && d.change > limits.worse_by;
  return d;
}

}  // namespace

bool Comparison::regressed() const {
  return std::any_of(differences.begin(), differences.end(),
                     [](const Difference& d) { return d.regression; });
}

Comparison compare(const Report& baseline, const Report& candidate, const ComparisonLimits& limits) {
  Comparison comparison;
  for (const auto& before : baseline.results) {
    const auto after = std::find_if(candidate.results.begin(), candidate.results.end(),
                                    [&](const BenchmarkResult& r) { return r.name == before.name; });
    if (after == candidate.results.end()) {
      comparison.missing.push_back(before.name);
      continue;
    }
    comparison.differences.push_back(difference(before.name + " median", before.median,
                                                before.median_interval, after->median, after->median_interval,
                                                limits));
    comparison.differences.push_back(difference(before.name + " p99", before.p99, before.p99_interval,
                                                after->p99, after->p99_interval, limits));
  }
  return comparison;
}

std::string to_table(const Comparison& comparison) {
  std::size_t width = 4;
  for (const auto& d : comparison.differences) width = std::max(width, d.what.size());
  std::string text =
      fmt::format("{:<{}} {:>11} {:>11} {:>8}\n", "what", width, "before ms", "after ms", "change");
  for (const auto& d : comparison.differences) {
    const char* const verdict = d.regression ? "WORSE" : (d.beyond_noise ? "" : "within noise");
    text += fmt::format("{:<{}} {:>11.3f} {:>11.3f} {:>+7.1f}% {}\n", d.what, width, d.before, d.after,
                        d.change * 100, verdict);
  }
  for (const auto& name : comparison.missing) text += fmt::format("{}: not in the new report\n", name);
  return text;
}

}  // namespace sovereign::bench
