// sovereign-bench quality: assessment, projection and reasoning branches, in this process.
#include "bench/suites/quality.h"

#include <algorithm>
#include <memory>

#include "base/system_info.h"
#include "suite_command.h"

namespace sovereign::bench {

void add_quality_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<QualityOptions>();
  auto common = std::make_shared<CommonOptions>();
  options->threads = std::max(1U, cpu_info().physical);
  CLI::App& quality = *program.add_subcommand("quality", "Assessment, projection and reasoning branches");
  quality.add_option("--model", options->model, "GGUF file")->required();
  quality.add_option("--rounds", options->rounds, "Measured rounds of each part")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  quality.add_option("--threads", options->threads, "Compute threads")->capture_default_str();
  quality.add_option("--seed", options->seed, "Seed of prompts")->capture_default_str();
  quality.add_flag("--smoke", options->smoke, "Tiny sizes: shows that every part works, measures nothing");
  add_common_options(quality, *common);
  quality.callback([options, common, &exit_code] {
    options->date = now_as_text();
    exit_code = publish(run_quality_suite(*options, Progress(common->silent)), common->out);
  });
}

}  // namespace sovereign::bench
