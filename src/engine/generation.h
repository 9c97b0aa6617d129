// A request to the engine, and what comes back.
//
// One request has n choices; each choice is a sequence of its own that shares the prompt's KV cells.
// Deltas of all choices come to one sink, in order per choice. Exactly one `on_done` ends a request
// that was accepted, whatever happens to it: finished, cancelled, expired, engine failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/sampling_params.h"
#include "engine/token.h"

namespace sovereign::engine {

using RequestId = std::uint64_t;

enum class FinishReason {
  stop,       // end-of-generation token, or a stop string
  length,     // max_tokens, or the context is full
  cancelled,  // the client left
  deadline,   // the request's deadline passed
  error,      // the engine could not go on; GenerationSummary::error says why
  filtered,   // a server's filter of contents cut the answer (OpenAI's "content_filter")
};

// The choice has what answer there is. Else it was broken off, and its text is no answer.
constexpr bool is_answer(FinishReason reason) {
  return reason == FinishReason::stop || reason == FinishReason::length || reason == FinishReason::filtered;
}

std::string_view to_string(FinishReason reason);

struct GenerationRequest {
  std::vector<Token> prompt;     // not empty; fits the context with room for one token
  std::uint32_t n = 1;           // choices; choice i samples with seed + i
  std::uint32_t max_tokens = 0;  // per choice; 0: until the context is full
  SamplingParams sampling;
  std::vector<std::string> stop;  // stop strings, in bytes of UTF-8; none is part of the output
  bool ignore_eos = false;        // benchmarks: go on to max_tokens
  bool embed = false;             // no text: the prompt's embedding, in one delta; may fill the context
  std::optional<Time> deadline;   // absolute; in the queue or running
};

// log-probability of one candidate token under the model (before temperature and truncation).
struct CandidateLogprob {
  Token token = kNoToken;
  std::string bytes;  // the token's own bytes: may be part of a UTF-8 character
  float logprob = 0;
};

struct TokenLogprob {
  CandidateLogprob chosen;
  std::vector<CandidateLogprob> top;  // best first
};

// What one choice gained in one step. `text` is whole UTF-8 characters and never holds any part of a
// stop string.
struct GenerationDelta {
  std::uint32_t choice = 0;
  std::uint32_t tokens = 0;  // tokens sampled for this delta (text may lag behind them)
  std::string text;
  std::vector<TokenLogprob> logprobs;  // one per token, when asked for
  std::vector<float> log_likelihoods;  // natural log, one per token, when asked for
  std::vector<float> embedding;        // pooled, L2-normalized; of requests to embed
  std::optional<FinishReason> finish;  // set on the last delta of the choice
};

struct GenerationSummary {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_prompt_tokens = 0;  // found in the KV cache, not computed, by choice 0
  std::uint32_t completion_tokens = 0;     // of all choices
  std::uint32_t seed = 0;                  // of choice 0, also when it was drawn for this request
  Duration queue_wait{};                   // arrival to first scheduled
  Duration ttft{};                         // arrival to first token; zero when there was none
  Duration total{};                        // arrival to done
  std::optional<Error> error;              // set when a choice finished with FinishReason::error
};

// Receives a request's tokens. Both calls come from the engine thread, between two decodes: they must
// return at once (hand over, never block, never call back into the engine but for cancel()).
class GenerationSink {
 public:
  virtual ~GenerationSink() = default;
  virtual void on_delta(GenerationDelta delta) noexcept = 0;
  virtual void on_done(const GenerationSummary& summary) noexcept = 0;
};

}  // namespace sovereign::engine
