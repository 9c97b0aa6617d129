#include "engine/prompt_lookup.h"

#include <cassert>

namespace sovereign::engine {

PromptLookup::PromptLookup(std::span<const Token> prompt) {
  text_.reserve(prompt.size());
  earlier_.reserve(prompt.size());
  for (const Token token : prompt) append(token);
}

// FNV-1a over the run's tokens; two runs with one hash are told apart when their tokens are compared.
std::uint64_t PromptLookup::gram_ending_at(std::size_t last) const {
  std::uint64_t hash = 14695981039346656037ULL;
  for (std::size_t i = last + 1 - kGramTokens; i <= last; ++i) {
    hash = (hash ^ static_cast<std::uint32_t>(text_[i])) * 1099511628211ULL;
  }
  return hash;
}

void PromptLookup::append(Token token) {
  const auto index = static_cast<std::uint32_t>(text_.size());
  text_.push_back(token);
  earlier_.push_back(kNowhere);
  if (text_.size() < kGramTokens) return;
  const auto [found, fresh] = latest_.try_emplace(gram_ending_at(index), index);
  if (fresh) return;
  earlier_.back() = found->second;
  found->second = index;
}

PromptLookup::Match PromptLookup::match() const {
  Match best;
  if (text_.empty()) return best;
  const std::size_t end = text_.size() - 1;
  std::uint32_t place = earlier_[end];
  for (std::uint32_t tried = 0; tried < kPlaces && place != kNowhere; ++tried, place = earlier_[place]) {
    std::uint32_t length = 0;
    while (length < kLongestMatch && length <= place && text_[place - length] == text_[end - length])
      ++length;
    if (length >= kGramTokens && length > best.tokens) best = {length, place + 1};
    if (length == kLongestMatch) break;
  }
  return best;
}

std::vector<Token> PromptLookup::tokens_after(const Match& match, std::uint32_t count) const {
  assert(match.tokens > 0 && match.end > 0 && match.end < text_.size());
  std::vector<Token> tokens;
  tokens.reserve(count);
  for (std::size_t i = match.end; tokens.size() < count; ++i) {
    tokens.push_back(i < text_.size() ? text_[i] : tokens[i - text_.size()]);
  }
  return tokens;
}

}  // namespace sovereign::engine
