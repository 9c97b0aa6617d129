// sovereign-bench proof: canonical JSON, digests, signatures and what is built of them, in this process.
#include "bench/suites/proof.h"

#include <memory>

#include "suite_command.h"

namespace sovereign::bench {

void add_proof_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<ProofOptions>();
  auto common = std::make_shared<CommonOptions>();
  CLI::App& proof =
      *program.add_subcommand("proof", "Canonical JSON, digests, signatures and what is built of them");
  proof.add_option("--python", options->python, "Peer: a Python with the package rfc8785");
  proof.add_option("--python-script", options->python_script, "scripts/time_rfc8785.py");
  proof.add_option("--only", options->groups, "Groups to run")->check(CLI::IsMember(proof_groups()));
  proof.add_option("--rounds", options->cost.rounds, "Measured rounds of each pair")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  proof.add_option("--round-ms", options->cost.round_ms, "CPU time of a round of one side, at least")
      ->capture_default_str();
  proof.add_option("--seed", options->seed, "Seed of keys, messages and documents")->capture_default_str();
  add_common_options(proof, *common);
  proof.callback([options, common, &exit_code] {
    options->date = now_as_text();
    exit_code = publish(run_proof_suite(*options, Progress(common->silent)), common->out);
  });
}

}  // namespace sovereign::bench
