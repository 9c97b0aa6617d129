// From what a server sends to a list of prompts, event by event or whole, to deltas by prompt. Pure.
//
// As tolerant as ChatAnswer, but where answers could be mistaken for each other: with several prompts each
// choice must say which it is of, and one that is of none spoils the whole (a server that counts otherwise
// would give each client the answer of another).
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/backend.h"

namespace sovereign::gateway {

// Not thread-safe.
class CompletionAnswer {
 public:
  struct Piece {
    std::uint32_t prompt = 0;
    engine::GenerationDelta delta;   // of choice 0
    std::optional<Failure> failure;  // the server aborted this prompt's answer
  };

  explicit CompletionAnswer(std::uint32_t prompts) : prompts_(prompts) {}

  // The data of one server-sent event. Errors: corrupt, what the server says went wrong (unavailable), what
  // it says is wrong with the request (invalid_argument).
  outcome<std::vector<Piece>> read_event(std::string_view data);
  // A body that is a whole completion. Errors: likewise.
  outcome<std::vector<Piece>> read_whole(std::string_view body);

  // [DONE] was read: whatever the server still sends is of no interest.
  bool done() const { return done_; }
  // Tokens as the server counted them for this prompt. Where it only told the sum over several, those of the
  // answer as they came, and none of the prompt.
  engine::GenerationSummary summary(std::uint32_t prompt) const;

 private:
  struct Prompt {
    bool finished = false;
    std::uint32_t counted_tokens = 0;
    std::optional<engine::GenerationSummary> told;
  };

  outcome<std::vector<Piece>> read_choices(const boost::json::value& answer);
  outcome<std::uint32_t> prompt_of(const boost::json::value& choice) const;

  std::vector<Prompt> prompts_;
  bool done_ = false;
};

}  // namespace sovereign::gateway
