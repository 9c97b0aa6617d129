// Prompts that are the same on every run, with exactly the number of tokens asked for.
//
// Made of common English words by a seeded generator; the length is checked with the tokenizer of the model
// under test, given as a function. Different seeds give prompts that share no beginning worth sharing.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sovereign::bench {

using TokenCounter = std::function<std::size_t(std::string_view)>;

// Not thread-safe.
class PromptMaker {
 public:
  PromptMaker(TokenCounter count, std::uint64_t seed) : count_(std::move(count)), random_(seed) {}

  // Text of exactly `tokens` tokens. Errors: internal, the tokenizer does not let words add up to it.
  result<std::string> exact(std::size_t tokens);

  // `count` prompts whose lengths are drawn evenly from [shortest, longest] tokens.
  result<std::vector<std::string>> mixed(std::size_t count, std::size_t shortest, std::size_t longest);

 private:
  std::string_view word();

  TokenCounter count_;
  std::mt19937_64 random_;
};

// Bodies of streamed, greedy requests that run to exactly `max_tokens`, with usage at the end.
std::string completion_body(std::string_view model, std::string_view prompt, std::uint32_t max_tokens);
std::string chat_body(std::string_view model, std::string_view system, std::string_view question,
                      std::uint32_t max_tokens);

}  // namespace sovereign::bench
