#include "engine/stop_matcher.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <memory>
#include <optional>

namespace sovereign::engine {
namespace {

std::shared_ptr<const StopSet> stops(const std::vector<std::string>& strings) {
  return std::make_shared<const StopSet>(strings);
}

// Where the text ends by the rule in the header, found the slow way.
std::optional<std::size_t> cut_position(const std::string& text, const std::vector<std::string>& strings) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : strings) {
      if (!stop.empty() && std::string_view(text).substr(0, end).ends_with(stop)) {
        longest = std::max(longest, stop.size());
      }
    }
    if (longest > 0) return end - longest;
  }
  return std::nullopt;
}

// Longest suffix of `text` that begins some stop string.
std::size_t must_hold(const std::string& text, const std::vector<std::string>& strings) {
  std::size_t longest = 0;
  for (const std::string& stop : strings) {
    for (std::size_t n = 1; n <= std::min(stop.size(), text.size()); ++n) {
      if (std::string_view(text).ends_with(std::string_view(stop).substr(0, n)))
        longest = std::max(longest, n);
    }
  }
  return longest;
}

TEST(StopMatcherTest, WithoutStopStringsTextPassesAtOnce) {
  StopMatcher matcher(stops({}));
  EXPECT_EQ(matcher.feed("abc"), "abc");
  EXPECT_EQ(matcher.flush(), "");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcherTest, FindsAStopStringAcrossPieces) {
  StopMatcher matcher(stops({"<|end|>"}));
  EXPECT_EQ(matcher.feed("hello <"), "hello ");
  EXPECT_EQ(matcher.feed("|en"), "");
  EXPECT_EQ(matcher.feed("d|> more"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.feed("ignored"), "");
  EXPECT_EQ(matcher.flush(), "");
}

TEST(StopMatcherTest, GivesBackWhatTurnsOutNotToBeAStopString) {
  StopMatcher matcher(stops({"<|end|>"}));
  EXPECT_EQ(matcher.feed("a<|e"), "a");
  EXPECT_EQ(matcher.feed("x"), "<|ex");
  EXPECT_EQ(matcher.feed("<|end|"), "");
  EXPECT_EQ(matcher.flush(), "<|end|");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcherTest, HoldsOnlyTheSuffixThatStillCounts) {
  StopMatcher matcher(stops({"aab"}));
  EXPECT_EQ(matcher.feed("aaaa"), "aa");
  EXPECT_EQ(matcher.feed("b"), "");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcherTest, TheMatchThatEndsFirstWinsThenTheLongest) {
  StopMatcher inner(stops({"abcd", "bc"}));
  EXPECT_EQ(inner.feed("xabcd"), "xa");
  StopMatcher longest(stops({"bc", "abc"}));
  EXPECT_EQ(longest.feed("xabcd"), "x");
}

TEST(StopMatcherTest, EmptyStringsNeverMatch) {
  StopMatcher matcher(stops({"", ""}));
  EXPECT_EQ(matcher.feed("abc"), "abc");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcherTest, AnyByteMayBePartOfAStopString) {
  StopMatcher matcher(stops({std::string("\xFF\0\x80", 3)}));
  EXPECT_EQ(matcher.feed(std::string("a\xFF\0", 3)), "a");
  EXPECT_EQ(matcher.feed("\x80"), "");
  EXPECT_TRUE(matcher.stopped());
}

RC_GTEST_PROP(StopMatcherProperty, AgreesWithASearchOfTheWholeText, ()) {
  // Two letters make overlaps and near misses common.
  const auto text_gen = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab")));
  const auto strings = *rc::gen::container<std::vector<std::string>>(
      rc::gen::resize(6, rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab")))));
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::resize(10, text_gen));

  StopMatcher matcher(stops(strings));
  std::string whole;
  std::string emitted;
  for (const std::string& piece : pieces) {
    whole += piece;
    emitted += matcher.feed(piece);
    const auto cut = cut_position(whole, strings);
    RC_ASSERT(matcher.stopped() == cut.has_value());
    RC_ASSERT(emitted == whole.substr(0, cut.value_or(whole.size() - must_hold(whole, strings))));
  }
  emitted += matcher.flush();
  RC_ASSERT(emitted == whole.substr(0, cut_position(whole, strings).value_or(whole.size())));
}

}  // namespace
}  // namespace sovereign::engine
