// Chooses the next token of one sequence from one row of logits.
//
// Order, as llama.cpp's: logit bias, penalties, grammar, top_k, typical_p, top_p, min_p, temperature,
// draw. The truncations look at probabilities before temperature. A grammar is asked only about what
// was drawn (that is cheap); when it refuses, the draw is repeated without that token, which leaves the
// distribution as if the refused tokens had never been there; only after several refusals are all
// tokens of the vocabulary checked. Where top_k or another truncation is on, the grammar thus chooses
// among the kept tokens, and among all of them when it refuses each one.
//
// No path but typical_p without top_k, and the last resort above, builds an array of the vocabulary.
// The same seed and logits give the same tokens on every CPU.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/generation.h"
#include "engine/grammar_guard.h"
#include "engine/row_scan.h"
#include "engine/sampling_params.h"

namespace sovereign::engine {

class LlamaModel;

// Not thread-safe; one per sequence. The model outlives it.
class Sampler {
 public:
  // `prompt` counts for the penalties. params.seed absent means 0: who wants a fresh one puts it there.
  // Errors: invalid_argument, with the parameter's name in `where`.
  static result<std::unique_ptr<Sampler>> create(const LlamaModel& model, const SamplingParams& params,
                                                 std::span<const Token> prompt);
  // For another choice of the same request, before anything was sampled: what create() made is shared or
  // copied, so that a grammar is compiled once.
  std::unique_ptr<Sampler> fork(std::uint32_t seed) const;

  // Chooses a token and takes it as the sequence's next. `logits`, one per token of the vocabulary, are
  // as before when it returns. When a grammar allows nothing more, the end-of-generation token.
  Token sample(std::span<float> logits);

  // Set when the sequence cannot go on: its output has become too ambiguous for its grammar.
  const std::optional<Error>& error() const { return error_; }

  // Whether the text of this control token belongs to the output.
  bool shows(Token token) const;

  // Of the last token sampled, from the model's own distribution; absent unless asked for.
  const std::optional<TokenLogprob>& logprob() const { return logprob_; }
  std::optional<float> log_likelihood() const { return log_likelihood_; }

 private:
  Sampler(const LlamaModel& model, SamplingParams params);

  // Changes logits and remembers what they were.
  void set(std::span<float> logits, Token token, float value);
  void apply_bias_and_penalties(std::span<float> logits);
  void undo(std::span<float> logits);

  Token choose(std::span<float> logits);
  // One draw by the parameters; kNoToken when everything is banned.
  Token draw(std::span<float> logits);
  Token draw_from_kept();
  void truncate_typical();
  void truncate_top_p();
  void truncate_min_p();
  void keep_head_of_mass(float p);

  void remember(Token token);
  double uniform();
  void note_logprob(std::span<const float> logits, Token chosen);

  const LlamaModel& model_;
  SamplingParams params_;
  std::unique_ptr<GrammarGuard> grammar_;  // null: none
  std::uint64_t random_state_;

  std::vector<Token> recent_;  // ring of the last penalty_last_n tokens
  std::size_t recent_next_ = 0;
  std::unordered_map<Token, std::int32_t> recent_counts_;
  bool penalties_ = false;

  RowScan scan_;
  std::vector<Candidate> kept_;
  std::vector<double> weights_;
  std::vector<Candidate> changed_;  // token and former logit, in order of change
  std::optional<TokenLogprob> logprob_;
  std::optional<float> log_likelihood_;
  std::optional<Error> error_;
};

}  // namespace sovereign::engine
