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

struct ServeScenarios {
  static constexpr std::uint32_t kClients = 8;
  static constexpr std::uint32_t kPromptTokens = 128;
  static constexpr std::uint32_t kOutputTokens = 128;
  static constexpr std::uint32_t kSharedTokens = 500;
  static constexpr std::uint32_t kQuestionTokens = 20;
  static constexpr std::uint32_t kSharedOutputTokens = 32;
  static constexpr std::uint32_t kLongPromptTokens = 3000;
  static constexpr std::uint32_t kLongOutputTokens = 16;
  static constexpr std::uint32_t kEventsBeforeLongPrompt = 16;
  static constexpr std::uint32_t kShortestMixedTokens = 32;
  static constexpr std::uint32_t kLongestMixedTokens = 256;

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
