#include "engine/grammar_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sovereign::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

GrammarMatcher matcher(const std::string& text, const GrammarMatcherLimits& limits = {}) {
  auto rules = parse_gbnf(text, [](std::string_view) { return std::nullopt; });
  if (!rules) ADD_FAILURE() << rules.error().message;
  return GrammarMatcher(std::make_shared<const GbnfRules>(std::move(*rules)), limits);
}

// Feeds the text a byte at a time; how many bytes were taken.
std::size_t taken(GrammarMatcher& matcher, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!matcher.allows(0, text.substr(i, 1)) || !matcher.accept(0, text.substr(i, 1))) return i;
  }
  return text.size();
}

bool matches(const std::string& grammar, std::string_view text) {
  GrammarMatcher follows = matcher(grammar);
  return taken(follows, text) == text.size() && follows.may_end();
}

TEST(GrammarMatcherTest, MatchesWhatTheGrammarSays) {
  EXPECT_TRUE(matches("root ::= \"yes\" | \"no\"", "no"));
  EXPECT_FALSE(matches("root ::= \"yes\" | \"no\"", "n"));
  EXPECT_FALSE(matches("root ::= \"yes\" | \"no\"", "noo"));
  EXPECT_TRUE(matches("root ::= [a-c]{2,3}", "abc"));
  EXPECT_FALSE(matches("root ::= [a-c]{2,3}", "a"));
  EXPECT_FALSE(matches("root ::= [a-c]{2,3}", "abca"));
  EXPECT_TRUE(matches("root ::= [^a-c]*", "xyz\n"));
  EXPECT_FALSE(matches("root ::= [^a-c]*", "xbz"));
  EXPECT_TRUE(matches("root ::= item (\",\" item)*\nitem ::= [0-9]+ | \"[\" root \"]\"", "1,[2,[33],4],5"));
  EXPECT_FALSE(matches("root ::= item (\",\" item)*\nitem ::= [0-9]+ | \"[\" root \"]\"", "1,[2,[33],4,5"));
  EXPECT_TRUE(matches("root ::= (\"a\"?)* \"b\"", "aaab"));
  EXPECT_TRUE(matches("root ::= \"\"", ""));
  EXPECT_TRUE(matches("root ::= root | \"a\"", "a"));
}

TEST(GrammarMatcherTest, CharactersMayComeInPieces) {
  EXPECT_TRUE(matches("root ::= \"é€😀\"", "é€😀"));
  EXPECT_TRUE(matches("root ::= [à-ü] .", "éx"));
  EXPECT_FALSE(matches("root ::= [à-ü]", "€"));
  GrammarMatcher follows = matcher("root ::= \"é\"");
  EXPECT_FALSE(follows.allows(0, "\xC2")) << "no character of its block is é";
  EXPECT_TRUE(follows.accept(0, "\xC3"));
  EXPECT_FALSE(follows.may_end());
  EXPECT_FALSE(follows.allows(0, "a"));
  EXPECT_FALSE(follows.allows(0, "\xAA"));
  EXPECT_TRUE(follows.accept(0, "\xA9"));
  EXPECT_TRUE(follows.may_end());
}

TEST(GrammarMatcherTest, BytesThatAreNoTextAreRefused) {
  for (const std::string_view piece :
       {std::string_view{}, std::string_view("\0", 1), std::string_view("\x80"), std::string_view("\xC0\x80"),
        std::string_view("\xE0\x80\x80"), std::string_view("\xF0\x80\x80\x80"), std::string_view("\xFF"),
        std::string_view("\xC3x")}) {
    GrammarMatcher follows = matcher("root ::= .*");
    EXPECT_FALSE(follows.allows(0, piece));
    EXPECT_FALSE(follows.accept(0, piece));
    EXPECT_TRUE(follows.accept(0, "x")) << "what was refused must leave no trace";
  }
}

TEST(GrammarMatcherTest, TokensCountAsAWhole) {
  GrammarMatcher follows = matcher("root ::= <[5]> !<[6]>+ \"end\"");
  EXPECT_FALSE(follows.allows(4, "<call>"));
  EXPECT_TRUE(follows.accept(5, "<call>"));
  EXPECT_FALSE(follows.allows(6, "x"));
  EXPECT_TRUE(follows.accept(7, "x"));
  EXPECT_TRUE(follows.accept(8, "en")) << "both a token that is not 6, and how 'end' begins";
  EXPECT_TRUE(follows.accept(9, "d"));
  EXPECT_TRUE(follows.may_end());
}

TEST(GrammarMatcherTest, ACopyGoesOnByItself) {
  GrammarMatcher one = matcher("root ::= \"ab\" | \"ac\"");
  ASSERT_TRUE(one.accept(0, "a"));
  GrammarMatcher other = one;
  EXPECT_TRUE(one.accept(0, "b"));
  EXPECT_TRUE(other.accept(0, "c"));
  EXPECT_TRUE(one.may_end() && other.may_end());
}

std::vector<Token> allowed(GrammarMatcher& matcher, const TokenPieces& pieces) {
  std::vector<Token> tokens;
  matcher.for_each_allowed(pieces, [&](Token token) { tokens.push_back(token); });
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

TEST(GrammarMatcherTest, AWholeVocabularyIsAskedAtOnce) {
  const TokenPieces pieces(
      {{"b", 0}, {"ab", 1}, {"a", 2}, {"abc", 3}, {"abd", 4}, {"", 5}, {"abdx", 6}, {"a", 7}});
  GrammarMatcher follows = matcher("root ::= \"a\" \"b\"? \"d\"");
  EXPECT_THAT(allowed(follows, pieces), ElementsAre(1, 2, 4, 7));
  ASSERT_TRUE(follows.accept(1, "ab"));
  EXPECT_THAT(allowed(follows, pieces), IsEmpty());
}

// Twenty-two ways to go on after each character, all different: the readings were followed one by one, and
// the engine's thread never came back.
TEST(GrammarMatcherTest, AmbiguityEndsTheMatchNotTheEngine) {
  std::string text = "root ::= \"x\"";
  for (char c = 'a'; c < 'w'; ++c) text += std::string(" | \"x\" root \"") + c + "\"";
  GrammarMatcher follows = matcher(text);
  EXPECT_FALSE(follows.exhausted());
  EXPECT_TRUE(follows.accept(0, "x"));
  EXPECT_FALSE(follows.accept(0, "xxxxxxxx"));
  EXPECT_TRUE(follows.exhausted());
  EXPECT_FALSE(follows.may_end());
  EXPECT_FALSE(follows.allows(0, "a"));
}

TEST(GrammarMatcherTest, AGrammarThatBeginsInTooManyWaysIsExhaustedAtOnce) {
  std::string text = "root ::= a0\n";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "a" + std::to_string(i + 1);
    text += "a" + std::to_string(i) + " ::= " + next + " \"x\" | " + next + " \"y\"\n";
  }
  EXPECT_TRUE(matcher(text + "a40 ::= \"z\"\n").exhausted());
}

// Two readings after each character, which work limits, not their number, must end.
TEST(GrammarMatcherTest, WorkIsBounded) {
  GrammarMatcher follows = matcher("root ::= \"x\" root \"a\" | \"x\" root \"b\" | \"x\"",
                                   {.work_max = 2000, .work_per_token = 10});
  std::size_t tokens = 0;
  while (tokens < 100 && follows.accept(0, "x")) ++tokens;
  EXPECT_TRUE(follows.exhausted());
  EXPECT_GT(tokens, 3U);
  EXPECT_LT(tokens, 12U);
}

// What was remembered is forgotten now and then; the output goes on as if nothing had been.
TEST(GrammarMatcherTest, LongOutputsNeedNoMoreMemory) {
  const std::string grammar = "root ::= value\nvalue ::= [0-9]+ | \"[\" (value (\",\" value)*)? \"]\"";
  GrammarMatcher follows = matcher(grammar, {.states_max = 64, .nodes_max = 4096});
  std::string text = "[";
  for (int i = 0; i < 200; ++i) text += "[[1],[2,[3,4]],[]],";
  text += "5]";
  EXPECT_EQ(taken(follows, text), text.size());
  EXPECT_TRUE(follows.may_end());
  EXPECT_FALSE(follows.exhausted());
}

}  // namespace
}  // namespace sovereign::engine
