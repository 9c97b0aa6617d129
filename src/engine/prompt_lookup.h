// Guesses how a text goes on from how it went on before: an index over the prompt and the answer so far.
//
// Where an answer quotes or edits what it was given, the place in the text that ends like the answer does is
// followed by what the answer says next (prompt lookup decoding; Saxena 2023). The index holds each run of
// kGramTokens tokens with its latest place; places with the same run are chained, and of the kPlaces latest
// ones the one that agrees furthest back is taken.
//
// append() and guess() take a constant number of steps, whatever the length of the text. Pure; not
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/token.h"

namespace sovereign::engine {

class PromptLookup {
 public:
  static constexpr std::uint32_t kGramTokens = 3;
  static constexpr std::uint32_t kPlaces = 8;
  static constexpr std::uint32_t kLongestMatch = 32;

  explicit PromptLookup(std::span<const Token> prompt);

  void append(Token token);

  // A place in the text that ends like the text does.
  struct Match {
    std::uint32_t tokens = 0;  // that agree, at most kLongestMatch; 0: there is no such place
    std::uint32_t end = 0;     // one past the last of them
  };
  Match match() const;

  // The `count` tokens after a match that was made since the last append(). One that reaches the text's end
  // goes on as if the text repeated itself from there.
  std::vector<Token> tokens_after(const Match& match, std::uint32_t count) const;

  std::size_t size() const { return text_.size(); }

 private:
  static constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

  std::uint64_t gram_ending_at(std::size_t last) const;

  std::vector<Token> text_;
  std::unordered_map<std::uint64_t, std::uint32_t> latest_;  // by hash of the run: index of its last token
  std::vector<std::uint32_t> earlier_;  // by index of a run's last token: the place before with that hash
};

}  // namespace sovereign::engine
