#include "engine/lookup_drafter.h"

#include <algorithm>
#include <array>

#include "engine/draft_acceptance.h"

namespace sovereign::engine {

namespace {

// Least tokens of agreement of each class but the first.
constexpr std::array<std::uint32_t, kDraftClasses - 1> kClassBegins = {4, 6, 10, 16,
                                                                       PromptLookup::kLongestMatch};

}  // namespace

void LookupDrafter::append(SequenceId id, Token token) {
  const auto found = texts_.find(id);
  if (found != texts_.end()) found->second.lookup.append(token);
}

Drafter::Prospect LookupDrafter::look(SequenceId id, std::uint32_t most) {
  const auto found = texts_.find(id);
  if (found == texts_.end()) return {};
  Text& text = found->second;
  text.match = text.lookup.match();
  if (text.match.tokens == 0) return {};
  const auto above = std::upper_bound(kClassBegins.begin(), kClassBegins.end(), text.match.tokens);
  return {most, static_cast<std::uint32_t>(above - kClassBegins.begin())};
}

std::vector<std::vector<Token>> LookupDrafter::draft(std::span<const Wish> wishes) {
  std::vector<std::vector<Token>> drafts;
  drafts.reserve(wishes.size());
  for (const Wish& wish : wishes) {
    const Text& text = texts_.at(wish.id);
    drafts.push_back(text.lookup.tokens_after(text.match, wish.tokens));
  }
  return drafts;
}

}  // namespace sovereign::engine
