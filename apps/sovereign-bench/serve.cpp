// sovereign-bench serve: the served model against llama-server and llama-batched-bench.
#include "bench/suites/serve.h"

#include <algorithm>
#include <memory>

#include "base/system_info.h"
#include "suite_command.h"

namespace sovereign::bench {
namespace {

constexpr int kQuickRounds = 2;

int run(ServeOptions options, const CommonOptions& common) {
  if (auto made = make_folder(common.out); !made) return complain(made.error());
  options.log_folder = common.out;
  options.date = now_as_text();
  return publish(run_serve_suite(options, Progress(common.silent)), common.out);
}

}  // namespace

void add_serve_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<ServeOptions>();
  auto common = std::make_shared<CommonOptions>();
  options->threads = std::max(1U, cpu_info().physical);
  CLI::App& serve = *program.add_subcommand("serve", "Serving, against llama-server and llama-batched-bench");
  serve.add_option("--sovereign", options->sovereign, "The program under test")->required();
  serve.add_option("--llama-server", options->llama_server, "Peer; without it its ratios are left out");
  serve.add_option("--batched-bench", options->batched_bench, "llama-batched-bench; likewise");
  serve.add_option("--model", options->model, "GGUF file, for all sides")->required();
  auto* const rounds = serve.add_option("--rounds", options->rounds, "Measured rounds of each scenario")
                           ->capture_default_str()
                           ->check(CLI::PositiveNumber);
  serve.add_option("--threads", options->threads, "Compute threads of every side")->capture_default_str();
  serve.add_option("--clients", options->clients, "At once; the report of another number is serve-NUMBER")
      ->capture_default_str()
      ->check(CLI::Range(2, 128));
  serve.add_option("--context", options->context_tokens, "KV cells for each client, at least 3,200")
      ->capture_default_str()
      ->check(CLI::Range(3'200, 1'000'000));
  serve.add_option("--gpu-layers", options->gpu_layers, "On every side; -1: all; the report is serve-gpu")
      ->capture_default_str();
  serve.add_option("--seed", options->seed, "Seed of prompts and arrivals")->capture_default_str();
  serve.add_option("--target-ttft", options->target.ttft_ms, "Goodput's limit on TTFT, ms")
      ->capture_default_str();
  serve.add_option("--target-tpot", options->target.tpot_ms, "Goodput's limit per output token, ms")
      ->capture_default_str();
  serve.add_option("--flash-attention", options->flash_attention, "On every side")->capture_default_str();
  serve.add_flag("--made-up", options->made_up,
                 "A made-up model of 7 billion parameters in Q4_K, with --model's vocabulary, made in --out");
  serve.add_flag("--serial-lock,!--no-serial-lock", options->serial_lock,
                 "Measure the roadmap's one lock too")
      ->default_val(true);
  serve.add_flag("--quick", options->quick, "Two rounds, no open loop");
  serve.add_flag("--smoke", options->smoke, "Tiny sizes: shows that every part works, measures nothing");
  add_common_options(serve, *common);
  serve.callback([options, common, rounds, &exit_code] {
    if (options->quick && rounds->count() == 0) options->rounds = kQuickRounds;
    exit_code = run(*options, *common);
  });
}

}  // namespace sovereign::bench
