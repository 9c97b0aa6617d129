#include "omega/signals/repetition.h"

#include <gtest/gtest.h>

#include <string>

namespace sovereign::omega {
namespace {

std::optional<double> variety_of(std::string_view text) { return variety(text, words_of(text)); }

std::string repeated(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(Variety, IsHighForProse) {
  EXPECT_GT(*variety_of("The tide follows the moon because its pull is stronger on the near side of the "
                        "earth than on the far side, and the water gives way to the difference."),
            0.95);
}

TEST(Variety, IsLowForLoopsOfAnyLength) {
  EXPECT_LT(*variety_of(repeated("the the ", 40)), 0.1);
  EXPECT_LT(*variety_of(repeated("I am happy to help you with that. ", 20)), 0.2);
  EXPECT_LT(*variety_of(repeated("!", 200)), 0.1);
  EXPECT_LT(*variety_of(repeated("\xE5\x93\x88", 100)), 0.1);
}

TEST(Variety, FallsWithTheShareThatLoops) {
  const std::string prose =
      "Water boils at a lower temperature on a mountain, since the air presses less on it there. ";
  const double short_loop = *variety_of(prose + repeated("It is so. ", 5));
  const double long_loop = *variety_of(prose + repeated("It is so. ", 50));
  EXPECT_GT(short_loop, long_loop);
  EXPECT_GT(*variety_of(prose), short_loop);
}

TEST(Variety, SeesALoopAtTheEndOfALongText) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919) + " ";
  ASSERT_GT(text.size(), std::size_t{128} * 1024);
  EXPECT_GT(*variety_of(text), 0.9);
  EXPECT_LT(*variety_of(text + repeated("and so on, ", 8'000)), 0.1);
}

TEST(Variety, LeavesRoomForTablesAndIndentation) {
  EXPECT_GT(*variety_of("| name | age |\n|------------|------------|\n| Ann        | 31         |\n"
                        "| Ben        | 47         |\n"),
            0.7);
}

TEST(Variety, IsUnmeasuredForShortAnswers) {
  EXPECT_EQ(variety_of("Paris."), std::nullopt);
  EXPECT_EQ(variety_of(""), std::nullopt);
}

}  // namespace
}  // namespace sovereign::omega
