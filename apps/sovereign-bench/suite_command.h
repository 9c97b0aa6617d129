// The subcommands of sovereign-bench: one file each, which adds its options and what runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/report.h"

namespace sovereign::bench {

// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  // a benchmark failed, or compare found a regression
inline constexpr int kUsage = 2;

// What every suite takes.
struct CommonOptions {
  std::filesystem::path out = "build/bench";
  bool silent = false;
};
void add_common_options(CLI::App& command, CommonOptions& common);

// Makes the folder of the report and the logs; the time of this run, for the report.
result<void> make_folder(const std::filesystem::path& out);
std::string now_as_text();

// Prints the report and writes its file, or says what went wrong. Returns the exit status.
int publish(const result<Report>& report, const std::filesystem::path& out);
int complain(const Error& error);

void add_cache_suite(CLI::App& program, int& exit_code);
void add_serve_suite(CLI::App& program, int& exit_code);
void add_kernels_suite(CLI::App& program, int& exit_code);
void add_quality_suite(CLI::App& program, int& exit_code);
void add_proof_suite(CLI::App& program, int& exit_code);
void add_canary_suite(CLI::App& program, int& exit_code);
void add_speculative_suite(CLI::App& program, int& exit_code);
void add_gateway_suite(CLI::App& program, int& exit_code);
void add_compare(CLI::App& program, int& exit_code);

}  // namespace sovereign::bench
