#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "base/build_info.h"
#include "command.h"

namespace {

int run(int argc, char** argv) {
  using namespace sovereign;
  CLI::App program("Serves a language model on this machine through an OpenAI-compatible API.", "sovereign");
  int exit_code = kExitOk;
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  program.set_version_flag("--version", fmt::format("sovereign {}", build_info::version),
                           "Print the version and exit");
  add_serve_command(program, exit_code);
  add_ask_command(program, exit_code);
  add_model_command(program, exit_code);
  add_doctor_command(program, exit_code);
  add_config_command(program, exit_code);
  add_key_command(program, exit_code);
  add_keys_command(program, exit_code);
  add_verify_command(program, exit_code);
  add_cache_command(program, exit_code);
  add_canary_command(program, exit_code);
  add_completion_command(program, exit_code);
  add_man_command(program, exit_code);
  add_version_command(program, exit_code);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version arrive here too, with exit code 0.
    return program.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sovereign: internal error: {}\n", error.what());
    return sovereign::kExitFailure;
  }
}
