// What several of OpenAI's response objects share: head, usage, timings, log-probabilities.
//
// Pure functions that append JSON text. Times are milliseconds in JSON, as in llama-server's `timings`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/generation.h"
#include "runtime/result.h"

namespace sovereign::server::openai {

struct ResponseHead {
  std::string id;            // "chatcmpl-…" or "cmpl-…"
  std::int64_t created = 0;  // Unix seconds
  std::string model;
  std::string fingerprint;  // system_fingerprint: same string, same model and build
};

using runtime::Usage;

// "stop", "length" or "tool_calls"; what ends in an error is not a finish reason but an error.
std::string_view finish_reason_name(engine::FinishReason reason, bool has_tool_calls);

// `"id":…,"object":…,"created":…,"model":…,"system_fingerprint":…` without braces; the first three are the
// answer's own.
void append_head(std::string& out, const ResponseHead& head, std::string_view object);
void append_head_beginning(std::string& out, std::string_view id, std::string_view object,
                           std::int64_t created);
void append_head_rest(std::string& out, std::string_view model, std::string_view fingerprint);

void append_usage(std::string& out, const Usage& usage);

// `,"receipt":{…}`: an extension, which official clients keep with the fields that they do not know.
void append_receipt(std::string& out, const pci::ReceiptFile& receipt);

// llama-server's extension: tokens, ms and tokens per second of prompt and prediction.
void append_timings(std::string& out, const Usage& usage);

// Chat: {"content":[{token, logprob, bytes, top_logprobs}…],"refusal":null}.
void append_chat_logprobs(std::string& out, const std::vector<engine::TokenLogprob>& logprobs);

// Text completions: {"tokens":[…],"token_logprobs":[…],"top_logprobs":[{…}…],"text_offset":[…]}.
// `offset` is where the first token's text begins in the choice's text, in characters.
void append_text_logprobs(std::string& out, const std::vector<engine::TokenLogprob>& logprobs,
                          std::size_t offset);

// Characters (code points) of a text, whose count is what text_offset is in.
std::size_t count_characters(std::string_view utf8);

// `prefix` and 24 random letters and digits. Thread-safe; not for secrets.
std::string make_id(std::string_view prefix);

}  // namespace sovereign::server::openai
