#include "engine/text_stream.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <memory>

namespace sovereign::engine {
namespace {

const std::string kBad = "\xEF\xBF\xBD";  // U+FFFD

std::shared_ptr<const StopSet> stops(const std::vector<std::string>& strings) {
  return std::make_shared<const StopSet>(strings);
}

TEST(TextStreamTest, HoldsAnUnfinishedCharacter) {
  TextStream stream(stops({}));
  EXPECT_EQ(stream.append("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.append("\x98"), "");
  EXPECT_EQ(stream.append("\x80"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStreamTest, AnUnfinishedCharacterAtTheEndIsReplacedOnce) {
  TextStream stream(stops({}));
  EXPECT_EQ(stream.append("a\xF0\x9F\x98"), "a");
  EXPECT_EQ(stream.finish(), kBad);
}

// The held bytes of a stop string that never came end the character that is held before them.
TEST(TextStreamTest, WhatTheStopStringHeldComesBeforeTheEnd) {
  TextStream stream(stops({"\x80\xF0"}));
  EXPECT_EQ(stream.append("\xF0\x9F\x98"), "");
  EXPECT_EQ(stream.append("\x80"), "");
  EXPECT_EQ(stream.finish(), "\xF0\x9F\x98\x80");
}

// The examples of Unicode 15, section 3.9, tables 3-8 to 3-11.
TEST(TextStreamTest, ReplacesMaximalSubparts) {
  EXPECT_EQ(to_valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(to_valid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            kBad + kBad + kBad + kBad + kBad + "A" + kBad + kBad + "B");
  EXPECT_EQ(to_valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), kBad + kBad + kBad + kBad + "A");
}

TEST(TextStreamTest, KeepsEveryKindOfWellFormedCharacter) {
  const std::string text =
      "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"
      "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
  EXPECT_EQ(to_valid_utf8(text), text);
}

TEST(TextStreamTest, StopStringInsideCharactersAcrossPieces) {
  TextStream stream(stops({"\xC3\xA9nd"}));  // "énd"
  EXPECT_EQ(stream.append("the \xC3"), "the ");
  EXPECT_EQ(stream.append("\xA9n"), "");
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.append("d and more"), "");
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.finish(), "");
}

RC_GTEST_PROP(TextStreamProperty, AnyCutOfTheBytesGivesTheSameValidText, ()) {
  // Fragments of characters, so that valid, overlong and broken sequences all come up.
  const std::vector<std::string> fragments = {
      "a", "b", "\xC3", "\xA9", "\xF0\x9F", "\x98", "\x80", "\xF0\x9F\x98\x80", "\xE2", "\xFF"};
  const auto bytes_of = [&](int size) {
    std::string bytes;
    for (const auto& part : *rc::gen::container<std::vector<std::string>>(
             rc::gen::resize(size, rc::gen::elementOf(fragments)))) {
      bytes += part;
    }
    return bytes;
  };
  const std::string bytes = bytes_of(40);
  const std::vector<std::string> stop_strings = {bytes_of(3), bytes_of(3)};
  const auto set = stops(stop_strings);

  StopMatcher matcher(set);
  std::string before_stop = matcher.feed(bytes);
  before_stop += matcher.flush();
  const std::string expected = to_valid_utf8(before_stop);
  RC_ASSERT(to_valid_utf8(expected) == expected);

  TextStream stream(set);
  std::string emitted;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = *rc::gen::inRange<std::size_t>(1, 6);
    const std::string text = stream.append(std::string_view(bytes).substr(at, length));
    RC_ASSERT(to_valid_utf8(text) == text);
    emitted += text;
    at += length;
  }
  emitted += stream.finish();
  RC_ASSERT(emitted == expected);
  RC_ASSERT(stream.stopped() == matcher.stopped());
}

}  // namespace
}  // namespace sovereign::engine
