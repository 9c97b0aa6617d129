// sovereign-bench kernels: the real model with our matrix kernels and with llama.cpp's own, in this process.
#include "bench/suites/kernels.h"

#include <algorithm>
#include <memory>

#include "base/system_info.h"
#include "suite_command.h"

namespace sovereign::bench {
namespace {

int run(KernelsOptions options, const CommonOptions& common) {
  if (auto made = make_folder(common.out); !made) return complain(made.error());
  options.folder = common.out;
  options.date = now_as_text();
  return publish(run_kernels_suite(options, Progress(common.silent)), common.out);
}

}  // namespace

void add_kernels_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<KernelsOptions>();
  auto common = std::make_shared<CommonOptions>();
  options->threads = std::max(1U, cpu_info().physical);
  CLI::App& kernels = *program.add_subcommand("kernels", "Our matrix kernels, against llama.cpp's own");
  kernels.add_option("--model", options->model, "GGUF file, Q4_1")->required();
  kernels.add_option("--rounds", options->rounds, "Measured rounds of each kind of work")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  kernels.add_option("--threads", options->threads, "Compute threads of both sides")->capture_default_str();
  kernels
      .add_option_function<std::vector<std::string>>(
          "--peer",
          [options](const std::vector<std::string>& peers) {
            for (const std::string& peer : peers) {
              const auto at = peer.find('=');
              if (at == std::string::npos) throw CLI::ValidationError("--peer", "takes NAME=PROGRAM");
              options->peers.push_back({peer.substr(0, at), peer.substr(at + 1)});
            }
          },
          "NAME=PROGRAM: a llama-batched-bench built in another way")
      ->type_name("NAME=PROGRAM");
  kernels.add_option("--text", options->texts, "Texts for the perplexity of both sides")
      ->check(CLI::ExistingFile);
  kernels.add_option("--text-tokens", options->text_tokens, "Tokens of them to use")->capture_default_str();
  add_common_options(kernels, *common);
  kernels.callback([options, common, &exit_code] { exit_code = run(*options, *common); });
}

}  // namespace sovereign::bench
