// The gateway before a stub that answers at once: what it adds to a request, its rate beside LiteLLM's proxy
// before the same stub, and what a dead first choice costs once its breaker is open. And a pool of engines,
// beside one engine with one batch and the roadmap's one lock. And what several chats in one call gain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/harness.h"
#include "bench/report.h"

namespace sovereign::bench {

struct GatewayOptions {
  std::filesystem::path sovereign;  // the program under test
  std::filesystem::path litellm;    // LiteLLM's program; without it rps_vs_litellm is left out
  std::filesystem::path nginx;      // passes requests on unread, for comparison; without it that is left out
  std::filesystem::path model;      // GGUF file; without it pool and batching are left out
  std::filesystem::path log_folder;
  std::string date;
  std::uint32_t clients = 8;
  std::uint32_t threads = 1;  // compute threads, of the parts with a model
  std::uint64_t seed = 1;
  int rounds = 7;
  int round_ms = 1500;  // of one side
  int pause_ms = 4;     // of each client between two requests, where latency is measured
  bool smoke = false;   // tiny sizes: shows that every part works, measures nothing
};

// Errors: a part that failed. A peer that is not there is left out with a note.
result<Report> run_gateway_suite(const GatewayOptions& options, const Progress& progress);

// The parts. Each adds its ratios and figures to the report.
result<void> measure_gateway_overhead(const GatewayOptions& options, const Progress& progress,
                                      Report& report);
result<void> measure_gateway_breaker(const GatewayOptions& options, const Progress& progress, Report& report);
result<void> measure_gateway_peer(const GatewayOptions& options, const Progress& progress, Report& report);

result<void> measure_gateway_pool(const GatewayOptions& options, const Progress& progress, Report& report);
// A server that is asked one call at a time: with one chat a call, and with several.
result<void> measure_gateway_batching(const GatewayOptions& options, const Progress& progress,
                                      Report& report);

}  // namespace sovereign::bench
