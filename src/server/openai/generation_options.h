// What chat and text completions have in common: sampling, length, stop strings, streaming.
//
// Beside OpenAI's parameters, llama-server's: top_k, min_p, typical_p, repeat_penalty, repeat_last_n,
// grammar, json_schema, ignore_eos. `cache_prompt` is ignored: prefixes are always shared.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampling_params.h"
#include "runtime/query.h"
#include "server/openai/fields.h"

namespace sovereign::server::openai {

// Bounds on what one request may ask for.
struct RequestLimits {
  std::uint32_t vocabulary_size = 0;  // token ids are below it
  std::uint32_t context_tokens = 0;   // of one sequence
  std::uint32_t max_choices = 32;     // n
  std::uint32_t max_prompts = 64;     // of one text completion
  std::uint32_t max_inputs = 256;     // of one embeddings request
  std::uint32_t max_tools = 128;
  std::uint32_t max_stop_strings = 16;
  std::uint32_t max_stop_bytes = 512;  // of one stop string
  std::uint32_t max_logit_bias = 1024;
  std::uint32_t max_top_logprobs = 20;
};

struct GenerationOptions {
  std::string model;  // empty: the one that is served
  std::uint32_t n = 1;
  std::uint32_t max_tokens = 0;  // per choice; 0: until the context is full, as in the engine
  bool empty_output = false;     // text completions with max_tokens 0: nothing is generated
  std::vector<std::string> stop;
  bool ignore_eos = false;
  bool embed = false;                                // an embedding is wanted, no text
  std::optional<std::chrono::milliseconds> timeout;  // the client's own; see deadline_of()
  bool stream = false;
  bool include_usage = false;   // a last chunk with the usage
  std::string json_schema;      // text of the schema that the output must match; empty: none
  bool schema_is_wish = false;  // "strict": false
  std::string response_format;  // that it came in, for servers elsewhere: engine::ChatInput
  runtime::GivenFields given;
  engine::SamplingParams sampling;  // but for logprobs, whose form differs between the two APIs
};

// Reads the common fields. Errors are left in `fields`. The length is not among them.
GenerationOptions read_generation_options(Fields& fields, const RequestLimits& limits);

// Reads `timeout`: seconds that the client is ready to wait.
std::optional<std::chrono::milliseconds> read_timeout(Fields& fields);

// Reads a token limit: -1 means no limit (llama-server's habit), 0 is an error unless `allow_zero`.
// Returns false when the field is absent.
bool read_max_tokens(Fields& fields, std::string_view name, bool allow_zero, GenerationOptions& options);

}  // namespace sovereign::server::openai
