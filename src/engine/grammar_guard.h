// A GBNF grammar that follows one sequence and says which tokens may come next.
//
// llama.cpp's grammar behind values instead of exceptions and aborts. Not thread-safe.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "engine/row_scan.h"
#include "engine/sampling_params.h"

struct llama_sampler;

namespace sovereign::engine {

class LlamaModel;

class GrammarGuard {
 public:
  // Null for an empty grammar. Errors: invalid_argument (does not parse, no root rule, left recursion,
  // a trigger that is no regular expression).
  static result<std::unique_ptr<GrammarGuard>> create(const LlamaModel& model, const Grammar& grammar);
  ~GrammarGuard();
  GrammarGuard(const GrammarGuard&) = delete;
  GrammarGuard& operator=(const GrammarGuard&) = delete;

  bool allows(Token token);
  // Sets logits of tokens that are not allowed to -inf. Milliseconds for a whole vocabulary.
  void filter(std::span<float> logits);
  // The token was taken. One that the grammar does not allow ends the constraint.
  void accept(Token token);

 private:
  GrammarGuard(const LlamaModel& model, llama_sampler* sampler) : model_(model), sampler_(sampler) {}

  const LlamaModel& model_;
  llama_sampler* sampler_;
  bool active_ = true;
};

}  // namespace sovereign::engine
