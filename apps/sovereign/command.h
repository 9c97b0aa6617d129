// The program's subcommands. Each adds itself to the tree of commands; when it is the one that was called,
// it runs within parse() and stores how the program ends.
#pragma once

#include <CLI/CLI.hpp>

namespace sovereign {

// How the program ends; part of its interface, listed in the man page.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,        // it could not do what was asked
  kExitUsage = 2,          // bad flags, arguments or configuration
  kExitInterrupted = 130,  // Ctrl-C
};

void add_serve_command(CLI::App& program, int& exit_code);
void add_ask_command(CLI::App& program, int& exit_code);
void add_model_command(CLI::App& program, int& exit_code);
void add_doctor_command(CLI::App& program, int& exit_code);
void add_config_command(CLI::App& program, int& exit_code);
void add_key_command(CLI::App& program, int& exit_code);
void add_keys_command(CLI::App& program, int& exit_code);
void add_verify_command(CLI::App& program, int& exit_code);
void add_cache_command(CLI::App& program, int& exit_code);
void add_canary_command(CLI::App& program, int& exit_code);
void add_completion_command(CLI::App& program, int& exit_code);
void add_man_command(CLI::App& program, int& exit_code);
void add_version_command(CLI::App& program, int& exit_code);

}  // namespace sovereign
