// sovereign-bench: runs a benchmark against its peers, or compares two reports.
#include "suite_command.h"

int main(int argc, char** argv) {
  using namespace sovereign::bench;
  CLI::App program("Benchmarks of Sovereign Runtime", "sovereign-bench");
  program.require_subcommand(1);
  int exit_code = kDone;
  add_serve_suite(program, exit_code);
  add_kernels_suite(program, exit_code);
  add_quality_suite(program, exit_code);
  add_proof_suite(program, exit_code);
  add_cache_suite(program, exit_code);
  add_canary_suite(program, exit_code);
  add_speculative_suite(program, exit_code);
  add_gateway_suite(program, exit_code);
  add_compare(program, exit_code);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kDone : kUsage;
  }
  return exit_code;
}
