// A guess at how hard a query is, from its text alone: 0 (a greeting) to 100. docs/gateway.md explains it to
// users; both must agree.
//
// It is cheap, deterministic and explainable rather than right: a few sums over the last question.
//
//   length        0 to 30   the conversation in bytes, by its logarithm: 0 up to 256, 30 from 64 KiB
//   wants work    0 to 30   10 for each of at most three words that ask for work (why, prove, compare,
//                           derive, refactor, step by step, …) in the last user message
//   code, maths   15        a code fence, or several characters that prose does not have
//   answer        0 to 15   the tokens allowed: 0 up to 256, 15 from 4,096
//   structure     5 each    tools; a schema or grammar for the answer
//   reasoning     30        reasoning is required
#pragma once

#include <cstdint>
#include <string_view>

namespace sovereign::gateway {

struct QueryTraits {
  std::string_view question;           // the last user message
  std::size_t conversation_bytes = 0;  // all of the messages
  std::uint32_t max_tokens = 0;        // 0: not said
  bool has_tools = false;
  bool has_format = false;  // schema or grammar
  bool require_reasoning = false;
};

inline constexpr std::uint32_t kMaxComplexity = 100;

// Reads at most 64 KiB of the question.
std::uint32_t estimate_complexity(const QueryTraits& traits);

}  // namespace sovereign::gateway
