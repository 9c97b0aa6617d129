// The benchmark of speculation and of the deterministic mode, engines in this process.
//
//   prompt_lookup_copy   tokens/s of one client that has given texts quoted and edited, with prompt look-up
//                        over without; prompt_lookup_copy_ceiling: what it would be if every guess were
//                        right, from the time of a step by its rows
//   prompt_lookup_quote, prompt_lookup_edit    the two halves of it
//   prompt_lookup_free   the same for open questions, sampled
//   draft_equal          share of requests, greedy and seeded, whose tokens are the target's own in
//                        deterministic mode: prompt look-up and a draft model (the model itself, quantized
//                        again), a crowd at once, against one request after the other without speculation
//   deterministic_cost   tokens/s of 8 sequences in deterministic mode over those without it
// Figures beside them: equal_in_a_crowd and equal_speculating, the share of answers that are the same at once
// as alone without that mode, and flips per 1000 tokens from it; stock_equal_…: where llama.cpp's own matrix
// products answer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/report.h"

namespace sovereign::bench {

struct SpeculativeOptions {
  std::filesystem::path model;
  std::filesystem::path folder;  // for the draft model
  std::uint32_t threads = 2;
  int rounds = 12;
  std::uint32_t max_tokens = 96;        // of an answer that is timed
  std::uint32_t equal_requests = 1000;  // compared, at least
  std::uint32_t equal_tokens = 24;      // of each of them
  std::string date;
};

// Errors: the model cannot be used, a request failed.
result<Report> run_speculative_suite(const SpeculativeOptions& options, const Progress& progress);

}  // namespace sovereign::bench
