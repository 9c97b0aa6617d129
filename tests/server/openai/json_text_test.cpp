#include "server/openai/json_text.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>
#include <random>

namespace sovereign::server::openai {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

template <class Number>
std::string number(Number value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

TEST(JsonText, EscapesWhatMustBe) {
  EXPECT_EQ(escaped(""), "\"\"");
  EXPECT_EQ(escaped("plain"), "\"plain\"");
  EXPECT_EQ(escaped("a\"b\\c\n\r\t\b\f"), R"("a\"b\\c\n\r\t\b\f")");
  EXPECT_EQ(escaped(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
  EXPECT_EQ(escaped("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80/"), "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80/\"");
}

TEST(JsonText, ReplacesEachIllFormedPart) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("a\x80z"), "\"a" + bad + "z\"");
  EXPECT_EQ(escaped("\xE2\x82"), "\"" + bad + "\"");  // cut short
  EXPECT_EQ(escaped("\xE2\x82x"), "\"" + bad + "x\"");
  EXPECT_EQ(escaped("\xC0\xAF"), "\"" + bad + bad + "\"");            // overlong
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\"" + bad + bad + bad + "\"");  // a surrogate
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), "\"" + bad + bad + bad + bad + "\"");
}

TEST(JsonText, FindsTheFirstInvalidByte) {
  EXPECT_EQ(find_invalid_utf8("gr\xC3\xBC\xC3\x9F"), kValidUtf8);
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2u);
  EXPECT_EQ(find_invalid_utf8("\xE2\x82"), 0u);
}

TEST(JsonText, NumbersReadBackTheSame) {
  EXPECT_EQ(number(0.5F), "0.5");
  EXPECT_EQ(number(-0.1F), "-0.1");
  EXPECT_EQ(number(std::int64_t{-7}), "-7");
  EXPECT_EQ(number(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number(std::nanf("")), "null");
}

// Any bytes at all: the output parses, and is the input where the input was UTF-8.
TEST(JsonText, RoundTripsThroughAParser) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> pieces{"a",
                                        "\"",
                                        "\\",
                                        "\n",
                                        std::string(1, '\0'),
                                        "\x7f",
                                        "\xC3",
                                        "\xC3\xA9",
                                        "\xE2\x82\xAC",
                                        "\xE2",
                                        "\xF0\x9F\x98\x80",
                                        "\x80",
                                        "\xFF",
                                        "\xED\xA0\x80",
                                        "/",
                                        "\x1b",
                                        "\xF0\x9F"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto length = random() % 12; length > 0; --length) {
      if (random() % 4 == 0) {
        text += static_cast<char>(random() % 256);
      } else {
        text += pieces[random() % pieces.size()];
      }
    }
    boost::json::error_code error;
    const auto value = boost::json::parse(escaped(text), error);
    ASSERT_FALSE(error) << error.message();
    const std::string back(value.as_string());
    ASSERT_EQ(find_invalid_utf8(back), kValidUtf8);
    if (find_invalid_utf8(text) == kValidUtf8) {
      ASSERT_EQ(back, text);
    }
  }
}

}  // namespace
}  // namespace sovereign::server::openai
