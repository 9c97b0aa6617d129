// sovereign-bench canary: the canary's sequential tests in a simulated world.
#include "bench/suites/canary.h"

#include <memory>

#include "suite_command.h"

namespace sovereign::bench {

void add_canary_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<CanarySuiteOptions>();
  auto common = std::make_shared<CommonOptions>();
  CLI::App& canary =
      *program.add_subcommand("canary", "False alarms and detection delay of the canary, simulated");
  canary.add_option("--runs", options->runs, "Runs in which nothing should be stopped")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  canary.add_option("--effects", options->effects, "Runs of each difference that should be")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  canary.add_option("--seed", options->seed, "Seed of the first run")->capture_default_str();
  canary.add_flag("--smoke", options->smoke,
                  "A few short runs: shows that every part works, measures nothing");
  add_common_options(canary, *common);
  canary.callback([options, common, &exit_code] {
    options->date = now_as_text();
    exit_code = publish(run_canary_suite(*options, Progress(common->silent)), common->out);
  });
}

}  // namespace sovereign::bench
