// How the next token is chosen from the logits: the knobs of one request.
//
// Defaults are OpenAI's where OpenAI has the knob, and 'off' elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/token.h"

namespace sovereign::engine {

// A grammar in llama.cpp's GBNF; constrains every token, or only what follows a trigger.
struct Grammar {
  std::string gbnf;                           // empty: unconstrained
  bool lazy = false;                          // true: starts when a trigger is met (tool calls)
  std::vector<std::string> trigger_patterns;  // regular expressions over the output so far
  std::vector<Token> trigger_tokens;
  std::vector<Token> prefill;         // end of the prompt that the grammar covers too
  std::vector<Token> visible_tokens;  // control tokens whose text is part of the output (tool markers)
};

struct SamplingParams {
  float temperature = 1.0F;          // <= 0 or top_k == 1: greedy
  std::int32_t top_k = 0;            // <= 0: off
  float top_p = 1.0F;                // 1: off
  float min_p = 0.0F;                // 0: off
  float typical_p = 1.0F;            // 1: off
  float repeat_penalty = 1.0F;       // 1: off
  float frequency_penalty = 0.0F;    // 0: off
  float presence_penalty = 0.0F;     // 0: off
  std::int32_t penalty_last_n = 64;  // tokens looked back on; prompt included, as llama.cpp does
  std::vector<std::pair<Token, float>> logit_bias;  // -inf bans a token
  std::optional<std::uint32_t> seed;                // absent: a fresh one per request
  Grammar grammar;
  std::int32_t top_logprobs = -1;  // -1: no logprobs; 0: of the chosen token; k: and of the k best
  bool log_likelihoods = false;    // the chosen token's log-probability as a bare number

  // True when the choice is the largest logit after bias and penalties, whatever the seed.
  bool greedy() const { return temperature <= 0.0F || top_k == 1; }
};

}  // namespace sovereign::engine
