#include "engine/prompt_lookup.h"

#include <gtest/gtest.h>

#include <random>

namespace sovereign::engine {
namespace {

using Tokens = std::vector<Token>;

TEST(PromptLookup, FindsTheLatestPlaceThatEndsAlikeAndWhatFollowedIt) {
  PromptLookup lookup(Tokens{1, 2, 3, 4, 5, 6, 9, 1, 2, 3});
  const auto match = lookup.match();
  EXPECT_EQ(match.tokens, 3U);
  EXPECT_EQ(match.end, 3U);
  EXPECT_EQ(lookup.tokens_after(match, 4), (Tokens{4, 5, 6, 9}));
  lookup.append(4);
  EXPECT_EQ(lookup.match().tokens, 4U);
  lookup.append(7);
  EXPECT_EQ(lookup.match().tokens, 0U);
}

TEST(PromptLookup, PrefersThePlaceThatAgreesFurtherBackToALaterOne) {
  // 2 3 4 stands in two places; only the first is preceded by the 8 that precedes the end.
  PromptLookup lookup(Tokens{8, 2, 3, 4, 50, 7, 2, 3, 4, 60, 8, 2, 3, 4});
  EXPECT_EQ(lookup.match().tokens, 4U);
  EXPECT_EQ(lookup.tokens_after(lookup.match(), 1), Tokens{50});
  // With nothing between them, the later one.
  PromptLookup tie(Tokens{1, 2, 3, 4, 50, 1, 2, 3, 4, 60, 9, 2, 3, 4});
  EXPECT_EQ(tie.tokens_after(tie.match(), 1), Tokens{60});
}

TEST(PromptLookup, ARepetitionGoesOnBeyondTheEndOfTheText) {
  PromptLookup lookup(Tokens{5, 1, 2, 1, 2, 1, 2});
  EXPECT_EQ(lookup.tokens_after(lookup.match(), 5), (Tokens{1, 2, 1, 2, 1}));
  PromptLookup same(Tokens{7, 7, 7, 7});
  EXPECT_EQ(same.tokens_after(same.match(), 3), (Tokens{7, 7, 7}));
}

TEST(PromptLookup, AShortTextHasNoMatch) {
  PromptLookup empty({});
  EXPECT_EQ(empty.match().tokens, 0U);
  PromptLookup lookup(Tokens{1, 1});
  EXPECT_EQ(lookup.match().tokens, 0U);
  lookup.append(1);
  EXPECT_EQ(lookup.match().tokens, 0U) << "one run of three, and no other place with it";
}

// Against the definition: look at every place of the text.
TEST(PromptLookup, EqualsASearchOfTheWholeTextWherePlacesAreFew) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    Tokens text;
    PromptLookup lookup({});
    for (int i = 0; i < 60; ++i) {
      text.push_back(static_cast<Token>(random() % 6));
      lookup.append(text.back());
      std::uint32_t places = 0;
      PromptLookup::Match best;
      for (std::size_t end = text.size() - 1; end >= PromptLookup::kGramTokens; --end) {
        std::uint32_t length = 0;
        while (length < end && length < PromptLookup::kLongestMatch &&
               text[end - 1 - length] == text[text.size() - 1 - length]) {
          ++length;
        }
        if (length < PromptLookup::kGramTokens) continue;
        if (++places > PromptLookup::kPlaces) break;
        if (length > best.tokens) best = {length, static_cast<std::uint32_t>(end)};
      }
      ASSERT_EQ(lookup.match().tokens, best.tokens) << "seed " << seed << " after " << text.size();
      ASSERT_EQ(lookup.match().end, best.end) << "seed " << seed << " after " << text.size();
    }
  }
}

}  // namespace
}  // namespace sovereign::engine
