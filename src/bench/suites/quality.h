// The benchmark of quality and reasoning, in this process.
//
//   project_ns             one projection of an Ihsan vector; project_allocations: of all of them
//   project_vs_allocating  time of the roadmap's way (a new array per step) over ours: higher is better
//   assess_us              one assessment of a 500-token answer with log-probabilities, against a 500-token
//                          document
//   branches_vs_prompts    4 reasoning branches after a 500-token context over 4 separate prompts: the same
//                          requests at once on the same engine, which shares prefixes or does not
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/report.h"

namespace sovereign::bench {

struct QualityOptions {
  std::filesystem::path model;
  std::uint32_t threads = 2;
  int rounds = 7;
  bool smoke = false;  // tiny sizes, to see it work; the report is quality-smoke
  std::uint64_t seed = 1;
  std::string date;
};

// Errors: the model cannot be used, a round failed, our projection and the roadmap's differ.
result<Report> run_quality_suite(const QualityOptions& options, const Progress& progress);

}  // namespace sovereign::bench
