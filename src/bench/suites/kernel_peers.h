// llama.cpp as others build it, for the benchmark of kernels: with tinyBLAS (its matrix products from
// llamafile) or with OpenBLAS. Each is a llama-batched-bench of its own, from the same sources with the same
// flags.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sovereign::bench {

struct KernelPeer {
  std::string name;  // part of the report's keys
  std::filesystem::path batched_bench;
};

// Tokens per second.
struct PeerRates {
  double prefill = 0;  // one prompt of 512
  double batch8 = 0;   // 8 sequences that decode together after 16 tokens each
  double batch1 = 0;
};

// Errors: the program cannot be run, or prints no figures.
result<PeerRates> time_peer(const KernelPeer& peer, const std::filesystem::path& model,
                            std::uint32_t threads);

// The rate `key` ("speed_pp" or "speed_tg") of the line for `parallel` sequences in the output (jsonl) of
// llama-batched-bench. Errors: corrupt, no such line in it.
result<double> batched_bench_rate(std::string_view output, std::int64_t parallel, std::string_view key);

}  // namespace sovereign::bench
