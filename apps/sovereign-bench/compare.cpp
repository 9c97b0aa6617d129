// sovereign-bench compare: two reports of one benchmark; a regression is a failure.
#include "bench/compare.h"

#include <fmt/format.h>

#include <memory>

#include "suite_command.h"

namespace sovereign::bench {
namespace {

struct Reports {
  std::string baseline;
  std::string candidate;
  ComparisonLimits limits;
};

int run(const Reports& reports) {
  const auto baseline = read_report(reports.baseline);
  if (!baseline) return complain(baseline.error());
  const auto candidate = read_report(reports.candidate);
  if (!candidate) return complain(candidate.error());
  const Comparison comparison = compare(*baseline, *candidate, reports.limits);
  fmt::print("{}", to_table(comparison));
  return comparison.regressed() ? kFailed : kDone;
}

}  // namespace

void add_compare(CLI::App& program, int& exit_code) {
  auto reports = std::make_shared<Reports>();
  CLI::App& compare =
      *program.add_subcommand("compare", "Fails when the second report is worse than the first");
  compare.add_option("baseline", reports->baseline, "serve.json and the like")->required();
  compare.add_option("candidate", reports->candidate, "The same benchmark, run later")->required();
  compare.add_option("--worse-by", reports->limits.worse_by, "Fraction that is tolerated")
      ->capture_default_str();
  compare.callback([reports, &exit_code] { exit_code = run(*reports); });
}

}  // namespace sovereign::bench
