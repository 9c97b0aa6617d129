// A benchmark's outcome, for people (a table) and for programs (a JSON file).
//
// File: {"schema": 1, "name": …, "environment": {…}, "results": [BenchmarkResult…],
// "ratios": {"key": value, "key_spread": [low, high], …}, "figures": {"key": value, …}, "notes": […]}.
// A ratio that could not be measured is not there, and a note says why.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/benchmark_result.h"
#include "bench/environment.h"

namespace sovereign::bench {

struct Report {
  static constexpr int kSchema = 1;

  std::string name;  // the file's: NAME.json
  Environment environment;
  std::vector<BenchmarkResult> results;
  std::map<std::string, Estimate> ratios;  // ours over theirs
  std::map<std::string, double> figures;   // absolute ones, units in their names
  std::vector<std::string> notes;          // flags of the peers, what was left out and why
};

std::string to_json(const Report& report);
// Errors: corrupt (not such a file, or of another schema).
result<Report> report_from_json(std::string_view text);

std::string to_table(const Report& report);

// Writes folder/NAME.json, making the folder; replaces a file of that name as a whole.
result<std::filesystem::path> write_report(const Report& report, const std::filesystem::path& folder);
result<Report> read_report(const std::filesystem::path& file);

}  // namespace sovereign::bench
