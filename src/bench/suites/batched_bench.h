// llama-batched-bench: what the same llama.cpp reaches with no server around it, for a batch of a given size.
#pragma once

#include <filesystem>
#include <map>
#include <string_view>

#include "base/result.h"
#include "bench/suites/served_peer.h"

namespace sovereign::bench {

// Seconds for prompts and output of a whole batch, by the number of parallel sequences.
using BatchSeconds = std::map<std::uint32_t, double>;

// Runs it for batches of 1 and `batch` with prompts and answers of the given lengths.
result<BatchSeconds> run_batched_bench(const std::filesystem::path& program, const ServingSetup& setup,
                                       std::uint32_t batch, std::uint32_t prompt_tokens,
                                       std::uint32_t output_tokens);

// Its --output-format jsonl. Errors: corrupt, no such line in it.
result<BatchSeconds> parse_batched_bench(std::string_view output);

}  // namespace sovereign::bench
