// The response cache: its key, its hits and its evictions against the roadmap's way, and a cached answer over
// HTTP against nginx serving a file of the same size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/report.h"

namespace sovereign::bench {

struct CacheOptions {
  std::filesystem::path sovereign;  // the program; empty: no HTTP part
  std::filesystem::path model;
  std::filesystem::path nginx = "/usr/sbin/nginx";  // Debian's
  std::filesystem::path wrk = "/usr/bin/wrk";
  std::filesystem::path log_folder;
  std::string date;
  int rounds = 7;
  int wrk_seconds = 4;  // of one run
  bool smoke = false;   // tiny sizes: shows that every part works, measures nothing
};

// What cannot be measured (no nginx, no wrk) is left out with a note. Errors: a part that failed.
result<Report> run_cache_suite(const CacheOptions& options, const Progress& progress);

// The parts. Each adds its ratios and figures to the report.
void measure_cache_keys(const CacheOptions& options, const Progress& progress, Report& report);
void measure_cache_hits(const CacheOptions& options, const Progress& progress, Report& report);
result<void> measure_cache_disk(const CacheOptions& options, const Progress& progress, Report& report);
void measure_cache_evictions(const CacheOptions& options, const Progress& progress, Report& report);
result<void> measure_cache_http(const CacheOptions& options, const Progress& progress, Report& report);

}  // namespace sovereign::bench
