// Drafts by prompt look-up: each sequence has an index over its own text (prompt_lookup.h).
#pragma once

#include <unordered_map>

#include "engine/drafter.h"
#include "engine/prompt_lookup.h"

namespace sovereign::engine {

class LookupDrafter final : public Drafter {
 public:
  void begin(SequenceId id, std::span<const Token> prompt) override { texts_.try_emplace(id, prompt); }
  void append(SequenceId id, Token token) override;
  void end(SequenceId id) override { texts_.erase(id); }
  // The further back the text agrees, the better the class.
  Prospect look(SequenceId id, std::uint32_t most) override;
  std::vector<std::vector<Token>> draft(std::span<const Wish> wishes) override;

 private:
  struct Text {
    explicit Text(std::span<const Token> prompt) : lookup(prompt) {}
    PromptLookup lookup;
    PromptLookup::Match match;  // of the last look()
  };
  std::unordered_map<SequenceId, Text> texts_;
};

}  // namespace sovereign::engine
