// The benchmark of serving: ours, llama-server and llama-batched-bench on the same model, in turn.
//
// Ratios are ours over theirs, medians of paired rounds. A peer that is not there leaves its keys out.
//   tokens_per_s_vs_llama_server      a wave of 8 clients, independent 128-token prompts, 128 tokens out
//   tokens_per_s_vs_ceiling           the same against llama-batched-bench (8 x 128 in, 8 x 128 out);
//                                     output tokens over the whole time, prompts included, on both sides
//   shared_prefix_ttft_p95_vs_llama_server  8 clients at once, one new 500-token system prompt per round
//   mixed_itl_p99_vs_llama_server     gaps of 7 streams of 128 tokens, a 3,000-token prompt arriving early
//   throughput_vs_serial_lock, latency_p99_vs_serial_lock  the first wave against one lock around
//                                     inference, which runs in this process, without HTTP (its advantage)
//   server_overhead                   see overhead_meter.h; measured during the first wave
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/load_summary.h"
#include "bench/report.h"

namespace sovereign::bench {

struct ServeOptions {
  std::filesystem::path sovereign;
  std::filesystem::path llama_server;   // empty or absent: its ratios are left out
  std::filesystem::path batched_bench;  // likewise
  std::filesystem::path model;
  std::filesystem::path log_folder;
  std::uint32_t threads = 2;
  std::uint32_t clients = 8;     // at once; the keys' names stay, their definitions are those of 8
  std::int32_t gpu_layers = 0;   // on every side; -1: all
  std::uint32_t context_tokens = 4096;  // of each slot; the long prompt has 3,000
  int rounds = 5;
  bool smoke = false;  // tiny sizes, to see it work; the report is serve-smoke
  bool quick = false;  // fewer rounds, no open loop
  bool made_up = false;      // a made-up model of 7 billion parameters, with the vocabulary of `model`
  bool serial_lock = true;   // false: it is left out; it takes as long as all clients one by one
  bool flash_attention = true;
  std::uint64_t seed = 1;
  LatencyTarget target;
  std::string date;
};

// Errors: our own server or the model cannot be used, a round failed.
result<Report> run_serve_suite(const ServeOptions& options, const Progress& progress);

}  // namespace sovereign::bench
