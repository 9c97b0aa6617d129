// A GBNF grammar that follows one sequence and says which tokens may come next.
//
// Joins what a grammar needs: the rules, compiled once and shared by all choices of a request, the matcher
// that follows them, a lazy grammar's trigger, and the model's vocabulary. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "engine/grammar_matcher.h"
#include "engine/grammar_trigger.h"
#include "engine/row_scan.h"
#include "engine/sampling_params.h"

namespace sovereign::engine {

class LlamaModel;

class GrammarGuard {
 public:
  // Null for an empty grammar. Errors: invalid_argument (does not parse, no root rule, left recursion, past a
  // limit of gbnf.h or grammar_matcher.h, a trigger that is no regular expression).
  static result<std::unique_ptr<GrammarGuard>> create(const LlamaModel& model, const Grammar& grammar);
  // At the same point, for another choice of the same request.
  std::unique_ptr<GrammarGuard> clone() const {
    return std::unique_ptr<GrammarGuard>(new GrammarGuard(*this));
  }

  bool allows(Token token);
  // Sets logits of tokens that are not allowed to -inf. A millisecond for a whole vocabulary.
  void filter(std::span<float> logits);
  // The token was taken. One that the grammar does not allow ends the constraint.
  void accept(Token token);
  // The output has become too ambiguous to follow within the bounds; nothing is allowed any more.
  bool exhausted() const { return matcher_.exhausted(); }

 private:
  GrammarGuard(const LlamaModel& model, GrammarMatcher matcher)
      : model_(model), matcher_(std::move(matcher)) {}
  GrammarGuard(const GrammarGuard&) = default;

  const LlamaModel& model_;
  GrammarMatcher matcher_;
  std::optional<GrammarTrigger> trigger_;  // while it waits
  bool active_ = true;
};

}  // namespace sovereign::engine
