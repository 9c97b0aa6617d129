#include "omega/signals/grounding.h"

#include <gtest/gtest.h>

#include <array>

namespace sovereign::omega {
namespace {

constexpr std::array<std::string_view, 2> kContext = {
    "The Harbour Bridge in Sydney was opened on 19 March 1932. It was designed by John Bradfield.",
    "Its arch spans 503 metres and carries trains, cars and pedestrians."};
constexpr std::string_view kQuestion = "When was the bridge opened, and who was its designer?";

std::optional<double> grounding_of(std::string_view answer) {
  return grounding(words_of(answer), kQuestion, kContext);
}

TEST(Grounding, IsFullForWhatTheContextSays) {
  EXPECT_EQ(grounding_of("It was opened on 19 March 1932 and was designed by John Bradfield."), 1.0);
}

TEST(Grounding, FallsForInventedNamesAndNumbers) {
  const double invented = *grounding_of("It was opened in 1954 and was designed by Gustave Eiffel.");
  const double true_one = *grounding_of("It was opened in 1932 and was designed by John Bradfield.");
  EXPECT_LT(invented, 0.5);
  EXPECT_GT(true_one, 0.9);
}

TEST(Grounding, IsNearNothingForAnotherSubject) {
  EXPECT_LT(*grounding_of("Photosynthesis converts sunlight into chemical energy inside chloroplasts."), 0.1);
}

TEST(Grounding, RepeatingTheQuestionSupportsNothing) {
  EXPECT_EQ(grounding(words_of("Who was the designer?"), "Who was the designer?", kContext), std::nullopt);
}

TEST(Grounding, WordsTornFromTheirNeighboursCountLess) {
  EXPECT_DOUBLE_EQ(*grounding_of("pedestrians metres"), kLoneWord);
}

TEST(Grounding, IsUnmeasuredWithoutContextOrWords) {
  EXPECT_EQ(grounding(words_of("It was 1932."), kQuestion, {}), std::nullopt);
  EXPECT_EQ(grounding_of("It was."), std::nullopt);
  const std::array<std::string_view, 1> empty = {" "};
  EXPECT_EQ(grounding(words_of("It was 1932."), kQuestion, empty), std::nullopt);
}

}  // namespace
}  // namespace sovereign::omega
