// sovereign-bench speculative: guessing ahead, and the deterministic mode, on engines in this process.
#include "bench/suites/speculative.h"

#include <algorithm>
#include <memory>

#include "base/system_info.h"
#include "suite_command.h"

namespace sovereign::bench {
namespace {

int run(SpeculativeOptions options, const CommonOptions& common) {
  if (auto made = make_folder(common.out); !made) return complain(made.error());
  options.folder = common.out;
  options.date = now_as_text();
  return publish(run_speculative_suite(options, Progress(common.silent)), common.out);
}

}  // namespace

void add_speculative_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<SpeculativeOptions>();
  auto common = std::make_shared<CommonOptions>();
  options->threads = std::max(1U, cpu_info().physical);
  CLI::App& suite = *program.add_subcommand("speculative", "Speculation and deterministic mode, on and off");
  suite.add_option("--model", options->model, "GGUF file")->required();
  suite.add_option("--rounds", options->rounds, "Measured rounds")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  suite.add_option("--threads", options->threads, "Compute threads of each engine")->capture_default_str();
  suite.add_option("--max-tokens", options->max_tokens, "Longest answer that is timed")
      ->capture_default_str();
  suite.add_option("--equal-requests", options->equal_requests, "Requests whose answers are compared")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_common_options(suite, *common);
  suite.callback([options, common, &exit_code] { exit_code = run(*options, *common); });
}

}  // namespace sovereign::bench
