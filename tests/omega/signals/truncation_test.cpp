#include "omega/signals/truncation.h"

#include <gtest/gtest.h>

namespace sovereign::omega {
namespace {

TEST(Completeness, KnowsTextsThatCouldEndHere) {
  for (const std::string_view text :
       {"It is Paris.", "Paris", "42", "It rains (mostly in spring).", "He said \"go.\"",
        "1. one\n2. two\n3. three", "**Done!**", "```c\nint x = 1;\n```", "{\"a\": [1, 2]}",
        "\xE3\x81\xAF\xE3\x81\x84\xE3\x80\x82", "Is it?", "The screen measures 27\" across."}) {
    EXPECT_TRUE(ends_like_an_end(text)) << text;
  }
}

TEST(Completeness, KnowsTextsThatBreakOff) {
  for (const std::string_view text :
       {"", "  \n", "The capital of France is Paris, which lies on the river", "It depends on the",
        "The steps are:", "First, second,", "```c\nint x = 1;", "{\"a\": [1, 2", "{\"a\": \"unclosed}",
        "He said \"go and", "1. one\n2. two and"}) {
    EXPECT_FALSE(ends_like_an_end(text)) << text;
  }
}

TEST(Completeness, JoinsTheEndingWithTheText) {
  EXPECT_EQ(completeness("It is Paris.", Ending::complete), 1.0);
  EXPECT_EQ(completeness("It is Paris.", Ending::unknown), 1.0);
  EXPECT_EQ(completeness("It is Paris.", Ending::length), 0.5);
  EXPECT_EQ(completeness("It depends on the", Ending::complete), 0.5);
  EXPECT_EQ(completeness("It depends on the", Ending::length), 0.0);
  EXPECT_EQ(completeness("It is Paris.", Ending::interrupted), 0.0);
  EXPECT_EQ(completeness("", Ending::complete), 0.0);
}

}  // namespace
}  // namespace sovereign::omega
