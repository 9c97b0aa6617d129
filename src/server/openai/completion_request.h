// The body of POST /v1/completions, read and checked.
//
// Not supported, and said so: suffix, best_of other than n, logprobs of an echoed prompt.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "server/openai/generation_options.h"

namespace sovereign::server::openai {

using TextOrTokens = std::variant<std::string, std::vector<engine::Token>>;

struct CompletionRequest {
  GenerationOptions options;
  std::vector<TextOrTokens> prompts;  // choice i of prompt p has the index p * n + i
  bool echo = false;                  // the prompt comes before the completion
};

// OpenAI's default length of a text completion.
inline constexpr std::uint32_t kDefaultCompletionTokens = 16;

// Pure. Errors: invalid_argument with the parameter's name. max_tokens 0 is fine: the completion is
// empty and ends with finish_reason 'length' (with echo, OpenAI's way to look at a prompt).
result<CompletionRequest> parse_completion_request(std::string_view body, const RequestLimits& limits);

// Reads a field that is a string, an array of strings, of token ids, or of arrays of token ids.
// Errors are left in `fields`.
std::vector<TextOrTokens> read_texts(Fields& fields, std::string_view name, std::size_t max_texts,
                                     const RequestLimits& limits);

}  // namespace sovereign::server::openai
