// The requests of each scenario of the serving benchmark. Pure but for the tokenizer; the same seed and
// round give both sides the same requests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/load_generator.h"
#include "bench/workload.h"

namespace sovereign::bench {

// In tokens, but for events_before_long_prompt. The defaults are those that the ratios are defined by.
struct ServeSizes {
  std::uint32_t prompt = 128;
  std::uint32_t output = 128;
  std::uint32_t shared = 500;
  std::uint32_t question = 20;
  std::uint32_t shared_output = 32;
  std::uint32_t long_prompt = 3000;
  std::uint32_t long_output = 16;
  std::uint32_t events_before_long_prompt = 16;
  std::uint32_t shortest_mixed = 32;
  std::uint32_t longest_mixed = 256;

  // Enough to see every part work, in seconds; its figures mean nothing.
  static ServeSizes smoke() { return {8, 4, 24, 4, 2, 48, 2, 1, 4, 8}; }
};

struct ServeScenarios {
  static constexpr std::uint32_t kClients = 8;  // those that the ratios are defined by

  std::uint32_t clients = kClients;
  ServeSizes sizes;
  TokenCounter count_tokens;
  std::uint64_t seed = 1;

  result<std::vector<std::string>> independent_prompts(int round) const;

  result<std::vector<LoadRequest>> independent(std::string_view model, int round) const;
  result<std::vector<LoadRequest>> shared_prefix(std::string_view model, int round) const;
  // The last request is the long one.
  result<std::vector<LoadRequest>> mixed(std::string_view model, int round) const;
  // Prompts of mixed lengths for the open loop.
  result<std::vector<LoadRequest>> open_loop(std::string_view model, int round, std::size_t count) const;

 private:
  PromptMaker maker(int scenario, int round) const;
};

}  // namespace sovereign::bench
