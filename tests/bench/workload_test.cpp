#include "bench/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

namespace sovereign::bench {
namespace {

// Words of more than six letters are two tokens.
std::size_t count(std::string_view text) {
  std::size_t tokens = 0;
  std::size_t letters = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == ' ') {
      tokens += letters == 0 ? 0 : (letters > 6 ? 2 : 1);
      letters = 0;
    } else {
      ++letters;
    }
  }
  return tokens;
}

TEST(Workload, PromptsHaveExactlyTheTokensAskedFor) {
  PromptMaker maker(count, 3);
  for (const std::size_t tokens : {1U, 2U, 20U, 128U, 500U, 3000U}) {
    const auto prompt = maker.exact(tokens);
    ASSERT_TRUE(prompt) << prompt.error().message;
    EXPECT_EQ(count(*prompt), tokens);
  }
}

TEST(Workload, TheSeedDecidesAndPromptsDiffer) {
  PromptMaker a(count, 3);
  PromptMaker b(count, 3);
  PromptMaker c(count, 4);
  const auto of_a = a.mixed(8, 20, 40);
  ASSERT_TRUE(of_a);
  EXPECT_EQ(*of_a, *b.mixed(8, 20, 40));
  EXPECT_NE(*of_a, *c.mixed(8, 20, 40));
  EXPECT_EQ(std::set<std::string>(of_a->begin(), of_a->end()).size(), 8U);
  for (const auto& prompt : *of_a) {
    EXPECT_GE(count(prompt), 20U);
    EXPECT_LE(count(prompt), 40U);
  }
}

TEST(Workload, ATokenizerThatCannotAddUpIsAnError) {
  PromptMaker maker([](std::string_view text) { return count(text) * 2; }, 1);
  EXPECT_FALSE(maker.exact(7));
}

TEST(Workload, BodiesAskForExactLengthsAndUsage) {
  const auto completion = boost::json::parse(completion_body("m", "a \"b\"", 16));
  EXPECT_EQ(completion.at("prompt").as_string(), "a \"b\"");
  EXPECT_EQ(completion.at("max_tokens").as_int64(), 16);
  EXPECT_TRUE(completion.at("ignore_eos").as_bool());
  EXPECT_TRUE(completion.at("stream").as_bool());
  EXPECT_TRUE(completion.at("stream_options").at("include_usage").as_bool());
  EXPECT_EQ(completion.at("temperature").as_int64(), 0);
  const auto chat = boost::json::parse(chat_body("m", "s", "q", 16));
  EXPECT_EQ(chat.at("messages").at(0).at("role").as_string(), "system");
  EXPECT_EQ(chat.at("messages").at(1).at("content").as_string(), "q");
}

}  // namespace
}  // namespace sovereign::bench
