#include "omega/final_answer.h"

#include <gtest/gtest.h>

namespace sovereign::omega {
namespace {

TEST(FinalAnswer, IsWhatTheMarkersSay) {
  EXPECT_EQ(final_answer("3 + 4 = 7.\nAnswer: 7."), "7");
  EXPECT_EQ(final_answer("First answer: 6. No.\n**Answer:** *7*\nDone."), "7");
  EXPECT_EQ(final_answer("So the answer is 12 apples."), "12 apples");
  EXPECT_EQ(final_answer("## Answer:\nParis\n"), "Paris");
  EXPECT_EQ(final_answer("thus \\boxed{\\frac{1}{2}} follows; answer: 3"), "\\frac{1}{2}");
  EXPECT_EQ(final_answer("Yes, it does."), "Yes");
  EXPECT_EQ(final_answer("No."), "No");
}

TEST(FinalAnswer, IsAbsentWhereNothingNamesOne) {
  EXPECT_EQ(final_answer("There are seven apples."), std::nullopt);
  EXPECT_EQ(final_answer("No man is an island."), std::nullopt);
  EXPECT_EQ(final_answer("Notes"), std::nullopt);
  EXPECT_EQ(final_answer("The answer:"), std::nullopt);
  EXPECT_EQ(final_answer("\\boxed{unclosed"), std::nullopt);
  EXPECT_EQ(final_answer(""), std::nullopt);
}

}  // namespace
}  // namespace sovereign::omega
