// sovereign-bench cache: the response cache, in this process and over HTTP.
#include "bench/suites/cache.h"

#include <filesystem>
#include <memory>

#include "suite_command.h"

namespace sovereign::bench {

void add_cache_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<CacheOptions>();
  auto common = std::make_shared<CommonOptions>();
  CLI::App& cache = *program.add_subcommand("cache", "The response cache, against the roadmap's and nginx");
  cache.add_option("--sovereign", options->sovereign, "The program under test; without it no HTTP");
  cache.add_option("--model", options->model, "GGUF file");
  cache.add_option("--nginx", options->nginx, "Peer; without it its ratio is left out")
      ->capture_default_str();
  cache.add_option("--wrk", options->wrk, "Load generator; likewise")->capture_default_str();
  cache.add_option("--rounds", options->rounds, "Measured rounds")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  cache.add_flag("--smoke", options->smoke, "Tiny sizes: shows that every part works, measures nothing");
  add_common_options(cache, *common);
  cache.callback([options, common, &exit_code] {
    std::error_code ignored;
    std::filesystem::create_directories(common->out, ignored);
    options->log_folder = common->out;
    options->date = now_as_text();
    if (options->smoke) options->wrk_seconds = 1;
    exit_code = publish(run_cache_suite(*options, Progress(common->silent)), common->out);
  });
}

}  // namespace sovereign::bench
