#include "omega/normalized_answer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "omega/signals/agreement.h"

namespace sovereign::omega {
namespace {

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

TEST(NormalizedAnswer, SpellingDoesNotMatter) {
  const Pairs pairs = {{"The  Eiffel Tower!", "eiffel tower"},
                       {"$1,200", "1200"},
                       {"**7**", "7"},
                       {"-5", "\u22125"},
                       {"-5", "-$5"},
                       {"-5", "$-5$"},
                       {"-5 degrees", "**-5** degrees"},
                       {"+5", "5"},
                       {".5", "0.5"},
                       {"-.5", "-0.5"},
                       {"x >= 3", "x \u2265 3"},
                       {"x>=3", "x >= 3"},
                       {"x == 3", "x=3"},
                       {"a \u2260 b", "a != b"},
                       {"2020-2021", "2020\u20132021"},
                       {"- Paris", "Paris"},
                       {"-> 5", "5"},
                       {"=> 5", "5"},
                       {"twenty-one", "twenty one"},
                       {"A", "a."},
                       {"a cat", "the cat"},
                       {"A > B", "A>B"}};
  for (const auto& [a, b] : pairs) {
    EXPECT_TRUE(answers_equal(a, b)) << a << " | " << b << " | " << normalized_answer(a) << " | "
                                     << normalized_answer(b);
  }
}

// "-5" was "5", and ">" was "<".
TEST(NormalizedAnswer, SignsMatter) {
  const Pairs pairs = {{"-5", "5"},
                       {"-$5", "$5"},
                       {"\u22125", "5"},
                       {"-x", "x"},
                       {"-0.5", "0.5"},
                       {"-.5", ".5"},
                       {".5", "5"},
                       {">", "<"},
                       {"x > 3", "x < 3"},
                       {"x >= 3", "x > 3"},
                       {"x \u2264 3", "x < 3"},
                       {"a = b", "a != b"},
                       {"5 - 3", "5 + 3"},
                       {"5-3", "5 3"},
                       {"x^2", "x 2"},
                       {"1/2", "1 2"},
                       {"1/2", "12"},
                       {"A", "B"},
                       {"12", "21"},
                       {"(2) - 3", "(2) 3"},
                       {"5, -3", "5, 3"}};
  for (const auto& [a, b] : pairs) {
    EXPECT_FALSE(answers_equal(a, b)) << a << " | " << b << " | " << normalized_answer(a);
  }
}

TEST(NormalizedAnswer, NothingEqualsNothing) {
  for (const std::string_view empty : {"", "?", "**", "\u2026", " \n"}) {
    EXPECT_EQ(normalized_answer(empty), "");
    EXPECT_FALSE(answers_equal(empty, empty));
  }
  EXPECT_EQ(similarity("Answer: -5", "Answer: 5"), 0.0);
  EXPECT_EQ(similarity("Which is right?\nAnswer: >", "So: answer: <"), 0.0);
}

RC_GTEST_PROP(NormalizedAnswer, IsReflexiveWhereThereIsSomething, (const std::string& text)) {
  RC_ASSERT(answers_equal(text, text) == !normalized_answer(text).empty());
}

}  // namespace
}  // namespace sovereign::omega
