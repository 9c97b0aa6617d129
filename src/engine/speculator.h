// Speculation of one engine: who is drafted for, how far, and what came of it.
//
// Between two steps the engine asks for drafts of the sequences that decode, and afterwards says what the
// target model made of them. The lengths follow from how often drafts were right (draft_acceptance.h) and
// what rows cost (step_cost.h), by draft_lengths(). Nothing here can change an answer.
//
// Lives on the engine thread. Pure but for the drafter.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/draft_acceptance.h"
#include "engine/drafter.h"
#include "engine/step_cost.h"

namespace sovereign::engine {

struct SpeculatorLimits {
  std::uint32_t max_draft_tokens = 8;    // of one sequence in one step
  std::uint32_t step_draft_tokens = 32;  // of all of them
};

class Speculator {
 public:
  Speculator(std::unique_ptr<Drafter> drafter, const SpeculatorLimits& limits);

  // As Drafter's.
  void begin(SequenceId id, std::span<const Token> prompt);
  void end(SequenceId id);
  // A token was chosen.
  void append(SequenceId id, Token token) { drafter_->append(id, token); }

  struct Place {
    SequenceId id;
    std::uint32_t tokens_left;  // that the sequence may still have, at least 1
  };
  struct Draft {
    SequenceId id;
    std::vector<Token> tokens;  // not empty
  };
  // Drafts for sequences that decode in the next step; none for those where none pays.
  std::vector<Draft> propose(std::span<const Place> places);

  // Of `drafted` tokens that were in a step the first `accepted` were right, and the next one was wrong.
  void on_verified(SequenceId id, std::uint32_t drafted, std::uint32_t accepted);

  // A step in which every row had its logits taken, prompts being another kind of work.
  void on_step(std::uint32_t rows, Duration time);

 private:
  struct Followed {
    DraftAcceptance acceptance;
    std::uint32_t draft_class = 0;  // of the draft under way
  };

  std::unique_ptr<Drafter> drafter_;
  const SpeculatorLimits limits_;
  std::unordered_map<SequenceId, Followed> followed_;
  DraftExperience experience_;
  StepCost cost_;  // in seconds
};

}  // namespace sovereign::engine
