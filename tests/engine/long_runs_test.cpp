#include "engine/long_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sovereign::engine {
namespace {

using ::testing::ElementsAre;

TEST(LongRuns, WordsAndBlanksAreRunsOfTheirOwn) {
  const TextRuns runs = cut_runs("ab cde\n\n\n\n f", 100);
  EXPECT_THAT(runs.parts, ElementsAre("ab cde\n\n\n\n f"));
  EXPECT_EQ(runs.longest, 5U);
}

TEST(LongRuns, ARunIsCutWhereItWouldGetTooLong) {
  EXPECT_THAT(cut_runs("ab cdefgh i", 4).parts, ElementsAre("ab cdef", "gh i"));
  EXPECT_THAT(cut_runs("abcd efgh", 4).parts, ElementsAre("abcd efgh"));
  EXPECT_THAT(cut_runs("a     b", 4).parts, ElementsAre("a    ", " b"));
}

TEST(LongRuns, WhatIsNotAsciiGoesOnWithEither) {
  const TextRuns runs = cut_runs("aäb\u3000 c", 100);
  EXPECT_EQ(runs.longest, 4U) << "ä, b and the wide space after a";
  EXPECT_THAT(cut_runs("日本日本日", 2).parts, ElementsAre("日本", "日本", "日")) << "between characters";
}

TEST(LongRuns, NothingIsLostAndNoRunIsTooLong) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string alphabet[] = {"a", "b", " ", "\n", "ä", "日", "😀", "."};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::size_t length = random() % 80; length > 0; --length) text += alphabet[random() % 8];
    const std::size_t most = 1 + random() % 9;
    const TextRuns runs = cut_runs(text, most);
    std::string joined;
    for (const auto part : runs.parts) joined += part;
    ASSERT_EQ(joined, text);
    ASSERT_LE(runs.longest, most);
    for (const auto part : runs.parts) ASSERT_EQ(cut_runs(part, most).parts.size(), 1U) << part;
  }
}

}  // namespace
}  // namespace sovereign::engine
