#include "server/openai/answer_headers.h"

#include <gmock/gmock.h>

namespace sovereign::server::openai {
namespace {

std::shared_ptr<const runtime::Quality> scored(std::optional<double> score) {
  auto quality = std::make_shared<runtime::Quality>();
  quality->assessment.score = score;
  return quality;
}

TEST(AnswerHeaders, TellTheLeastScoreOfAllAnswers) {
  runtime::SovereignResult result;
  result.choices.resize(2);
  const auto quality = [&] {
    for (const auto& [name, value] : answer_headers(result)) {
      if (name == "X-Sovereign-Quality") return value;
    }
    return std::string("(none)");
  };
  EXPECT_EQ(quality(), "(none)") << "nothing was assessed";
  result.choices[0].quality = scored(0.9);
  result.choices[1].quality = scored(0.25);
  EXPECT_EQ(quality(), "0.25");
  result.choices[0].quality = scored(std::nullopt);
  EXPECT_EQ(quality(), "unmeasured") << "which is less than any score";
  EXPECT_EQ(answer_headers(result).front().first, "X-Sovereign-Cache");
}

}  // namespace
}  // namespace sovereign::server::openai
