// Whoever guesses how running sequences go on: by looking up the text so far, or by a small model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "engine/plan.h"

namespace sovereign::engine {

// Lives on the engine thread. Guesses may be anything: what is wrong costs time, never the answer.
class Drafter {
 public:
  virtual ~Drafter() = default;

  // A sequence to follow: its prompt, then each token as it is chosen. end() forgets it, also an unknown one.
  virtual void begin(SequenceId id, std::span<const Token> prompt) = 0;
  virtual void append(SequenceId id, Token token) = 0;
  virtual void end(SequenceId id) = 0;

  struct Prospect {
    std::uint32_t available = 0;    // tokens that it could draft
    std::uint32_t draft_class = 0;  // how good they are likely to be: drafts of a class fare alike
  };
  // What it could do for a sequence now, at most `most` tokens. Cheap.
  virtual Prospect look(SequenceId id, std::uint32_t most) = 0;

  struct Wish {
    SequenceId id;
    std::uint32_t tokens;  // at least 1, at most what look() said
  };
  // Drafts in the order of the wishes; any may be shorter, or empty.
  virtual std::vector<std::vector<Token>> draft(std::span<const Wish> wishes) = 0;

  // What one more token in the longest draft takes, lately; zero where that is next to nothing.
  virtual Duration token_time() const { return Duration::zero(); }
};

}  // namespace sovereign::engine
