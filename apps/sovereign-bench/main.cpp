// sovereign-bench: runs a benchmark against its peers, or compares two reports.
//
// Exit status: 0 done; 1 a benchmark failed, or compare found a regression; 2 wrong usage.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>

#include "base/system_info.h"
#include "bench/compare.h"
#include "bench/report.h"
#include "bench/suites/proof.h"
#include "bench/suites/serve.h"

namespace {

using namespace sovereign;
using namespace sovereign::bench;

constexpr int kQuickRounds = 2;
constexpr int kUsage = 2;

int complain(const Error& error) {
  fmt::print(stderr, "sovereign-bench: {}\n", error.message);
  return 1;
}

std::string now_as_text() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

int publish(const Report& report, const std::filesystem::path& out) {
  fmt::print("{}", to_table(report));
  const auto file = write_report(report, out);
  if (!file) return complain(file.error());
  fmt::print("\n{}\n", file->string());
  return 0;
}

int run_proof(ProofOptions options, const std::filesystem::path& out, bool silent) {
  options.date = now_as_text();
  const auto report = run_proof_suite(options, Progress(silent));
  return report ? publish(*report, out) : complain(report.error());
}

int run_serve(ServeOptions options, const std::filesystem::path& out, bool silent) {
  std::error_code ec;
  std::filesystem::create_directories(out, ec);
  options.log_folder = out;
  options.date = now_as_text();
  const auto report = run_serve_suite(options, Progress(silent));
  return report ? publish(*report, out) : complain(report.error());
}

int run_compare(const std::string& before, const std::string& after, const ComparisonLimits& limits) {
  const auto baseline = read_report(before);
  if (!baseline) return complain(baseline.error());
  const auto candidate = read_report(after);
  if (!candidate) return complain(candidate.error());
  const Comparison comparison = compare(*baseline, *candidate, limits);
  fmt::print("{}", to_table(comparison));
  return comparison.regressed() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Benchmarks of Sovereign Runtime", "sovereign-bench");
  app.require_subcommand(1);

  ServeOptions serve_options;
  serve_options.threads = std::max(1U, cpu_info().physical);
  std::filesystem::path out = "build/bench";
  bool silent = false;
  CLI::App& serve = *app.add_subcommand("serve", "Serving, against llama-server and llama-batched-bench");
  serve.add_option("--sovereign", serve_options.sovereign, "The program under test")->required();
  serve.add_option("--llama-server", serve_options.llama_server, "Peer; without it its ratios are left out");
  serve.add_option("--batched-bench", serve_options.batched_bench, "llama-batched-bench; likewise");
  serve.add_option("--model", serve_options.model, "GGUF file, for all sides")->required();
  serve.add_option("--out", out, "Folder for serve.json and the servers' logs")->capture_default_str();
  auto* const rounds = serve.add_option("--rounds", serve_options.rounds, "Measured rounds of each scenario")
                           ->capture_default_str()
                           ->check(CLI::PositiveNumber);
  serve.add_option("--threads", serve_options.threads, "Compute threads of every side")
      ->capture_default_str();
  serve.add_option("--seed", serve_options.seed, "Seed of prompts and arrivals")->capture_default_str();
  serve.add_option("--target-ttft", serve_options.target.ttft_ms, "Goodput's limit on TTFT, ms")
      ->capture_default_str();
  serve.add_option("--target-tpot", serve_options.target.tpot_ms, "Goodput's limit per output token, ms")
      ->capture_default_str();
  serve.add_option("--flash-attention", serve_options.flash_attention, "On every side")
      ->capture_default_str();
  serve.add_flag("--quick", serve_options.quick, "Two rounds, no open loop");
  serve.add_flag("--smoke", serve_options.smoke, "Tiny sizes: shows that every part works, measures nothing");
  serve.add_flag("--silent", silent, "No progress on stderr");

  ProofOptions proof_options;
  CLI::App& proof =
      *app.add_subcommand("proof", "Canonical JSON, digests, signatures and what is built of them");
  proof.add_option("--python", proof_options.python, "Peer: a Python with the package rfc8785");
  proof.add_option("--python-script", proof_options.python_script, "scripts/time_rfc8785.py");
  proof.add_option("--only", proof_options.groups, "Groups to run")->check(CLI::IsMember(proof_groups()));
  proof.add_option("--out", out, "Folder for proof.json")->capture_default_str();
  proof.add_option("--rounds", proof_options.cost.rounds, "Measured rounds of each pair")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  proof.add_option("--round-ms", proof_options.cost.round_ms, "CPU time of a round of one side, at least")
      ->capture_default_str();
  proof.add_option("--seed", proof_options.seed, "Seed of keys, messages and documents")
      ->capture_default_str();
  proof.add_flag("--silent", silent, "No progress on stderr");

  std::string before;
  std::string after;
  ComparisonLimits limits;
  CLI::App& compare = *app.add_subcommand("compare", "Fails when the second report is worse than the first");
  compare.add_option("baseline", before, "serve.json and the like")->required();
  compare.add_option("candidate", after, "The same benchmark, run later")->required();
  compare.add_option("--worse-by", limits.worse_by, "Fraction that is tolerated")->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (compare.parsed()) return run_compare(before, after, limits);
  if (proof.parsed()) return run_proof(std::move(proof_options), out, silent);
  if (serve_options.quick && rounds->count() == 0) serve_options.rounds = kQuickRounds;
  return run_serve(std::move(serve_options), out, silent);
}
