#include "omega/signals/agreement.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>

namespace sovereign::omega {
namespace {

TEST(Agreement, SameAnswerBesideOtherWordsAgrees) {
  EXPECT_EQ(similarity("We add 3 and 4.\nAnswer: 7", "Four and three make seven. The answer is 7."), 1.0);
  EXPECT_EQ(similarity("Answer: 7", "Answer: 8"), 0.0);
  EXPECT_EQ(similarity("Yes.", "Yes, of course."), 1.0);
  EXPECT_EQ(similarity("Yes.", "No."), 0.0);
}

TEST(Agreement, TextsThatDifferInTheirNumbersDiffer) {
  EXPECT_EQ(similarity("The bridge was opened in 1932.", "The bridge was opened in 1942."), 0.0);
  EXPECT_GT(similarity("The bridge was opened in 1932.", "The bridge was opened to traffic in 1932."), 0.6);
}

TEST(Agreement, FollowsSharedWords) {
  constexpr std::string_view kText = "Plants turn light into sugar with the help of chlorophyll.";
  const double close = similarity(kText, "With chlorophyll, plants turn sunlight into sugar.");
  const double far = similarity(kText, "The stock market fell sharply on Monday morning.");
  EXPECT_GT(close, 0.4);
  EXPECT_LT(far, 0.1);
}

TEST(Agreement, IsTheMeanOverSamplesAndUnmeasuredWithoutAny) {
  EXPECT_EQ(agreement("Answer: 7", {}), std::nullopt);
  const std::array<std::string_view, 4> samples = {"Answer: 7", "Answer: 7.", "Answer: 8", "the answer is 7"};
  EXPECT_EQ(agreement("Answer: 7", samples), 0.75);
}

RC_GTEST_PROP(Agreement, IsSymmetricAndOneForEqualTexts, (const std::string& a, const std::string& b)) {
  const double ab = similarity(a, b);
  RC_ASSERT(ab == similarity(b, a));
  RC_ASSERT(ab >= 0.0 && ab <= 1.0);
  RC_ASSERT(similarity(a, a) == 1.0);
}

}  // namespace
}  // namespace sovereign::omega
