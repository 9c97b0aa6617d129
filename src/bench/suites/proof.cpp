#include "bench/suites/proof.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bench/suites/proof_group.h"

namespace sovereign::bench {
namespace {

struct NamedGroup {
  std::string_view name;
  ProofGroup measure;
};

constexpr NamedGroup kGroups[] = {
    {"signatures", measure_signatures},
    {"canonical_json", measure_canonical_json},
    {"digests", measure_digests},
    {"gates", measure_gates},
    {"logs", measure_logs},
    {"receipts", measure_receipts},
};

}  // namespace

std::vector<std::string> proof_groups() {
  std::vector<std::string> names;
  for (const NamedGroup& group : kGroups) names.emplace_back(group.name);
  return names;
}

result<Report> run_proof_suite(const ProofOptions& options, const Progress& progress) {
  const std::vector<std::string> known = proof_groups();
  for (const std::string& name : options.groups)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("no group of proof benchmarks is called '{}'; there are {}", name,
                              fmt::join(known, ", ")));
  Report report;
  report.name = "proof";
  report.environment = read_environment(options.date);
  ProofRun run{options, progress, report};
  for (const NamedGroup& group : kGroups) {
    const auto& chosen = options.groups;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), group.name) == chosen.end()) continue;
    if (auto done = group.measure(run); !done) return fail(std::move(done.error()));
  }
  return report;
}

std::vector<double> in_microseconds(const std::vector<double>& nanoseconds) {
  std::vector<double> microseconds;
  for (const double ns : nanoseconds) microseconds.push_back(ns / 1000);
  return microseconds;
}

Costs ProofRun::measure(const std::string& title, const std::vector<CostSide>& sides) {
  Costs costs = paired_costs(title, sides, options.cost, progress);
  for (std::size_t i = 0; i < sides.size(); ++i)
    report.results.push_back(cost_result(fmt::format("{}, {}", title, sides[i].name), costs[i]));
  return costs;
}

void ProofRun::add_ratio(const std::string& key, const std::vector<double>& ours,
                         const std::vector<double>& theirs) {
  report.ratios[key] = paired_ratio(ours, theirs, options.seed);
}

result<void> ProofRun::require_at_most(const std::string& key, double most) const {
  const Estimate& ratio = report.ratios.at(key);
  if (options.cost.rounds < 2 || ratio.interval.low <= most) return {};
  return fail(ErrorCode::internal, fmt::format("{} is {:.2f} [{:.2f}, {:.2f}], above {}", key, ratio.value,
                                               ratio.interval.low, ratio.interval.high, most));
}

void ProofRun::add_figure(const std::string& key, const std::vector<double>& values) {
  report.figures[key] = median(values);
}

}  // namespace sovereign::bench
