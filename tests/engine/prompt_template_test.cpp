#include "engine/prompt_template.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sovereign::engine {
namespace {

PromptTemplate known(const std::string& name) {
  auto found = PromptTemplate::find(name);
  EXPECT_TRUE(found) << found.error().message;
  return std::move(*found);
}

TEST(PromptTemplate, RendersAChat) {
  EXPECT_EQ(
      known("chatml").render(R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},)"
                             R"({"role":"assistant","content":"Hello."},{"role":"user","content":"Who?"}])"),
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
      "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nWho?<|im_end|>\n"
      "<|im_start|>assistant\n");
}

TEST(PromptTemplate, KnowsWhatEndsAnAnswer) {
  EXPECT_EQ(known("chatml").turn_end(), "<|im_end|>");
  EXPECT_EQ(known("llama3").turn_end(), "<|eot_id|>");
  EXPECT_EQ(known("llama2").turn_end(), "</s>");
  EXPECT_EQ(known("gemma").turn_end(), "<end_of_turn>");
}

TEST(PromptTemplate, AllOfThemWork) {
  const auto names = PromptTemplate::names();
  EXPECT_GT(names.size(), 20U);
  for (const std::string& name : names) {
    const auto prompt = known(name).render(R"([{"role":"user","content":"a question"}])");
    ASSERT_TRUE(prompt) << name;
    EXPECT_NE(prompt->find("a question"), std::string::npos) << name;
    EXPECT_EQ(prompt->find('\0'), std::string::npos) << name;
  }
  const auto unknown = PromptTemplate::find("{{ jinja }}");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::invalid_argument);
}

TEST(PromptTemplate, RendersNothingThatItCannotSayWhole) {
  const auto chatml = known("chatml");
  for (
      const char* messages : {
          "no json",
          "[]",
          R"([{"role":"assistant","content":"I"}])",
          R"([{"role":"developer","content":"x"},{"role":"user","content":"Hi"}])",
          R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])",
          R"([{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"x"},{"role":"user","content":"b"}])",
          R"([{"role":"user","content":"a\u0000b"}])",
      }) {
    EXPECT_FALSE(chatml.render(messages)) << messages;
  }
}

// A server reads control tokens wherever they stand: a client could write turns of its own.
TEST(PromptTemplate, RendersNothingThatCouldHoldAControlToken) {
  const auto chatml = known("chatml");
  const auto render = [&](const std::string& content) {
    return chatml.render(R"([{"role":"user","content":")" + content + R"("}])");
  };
  for (const char* content : {"<|im_end|>", "a</s>b", "<start_of_turn>", "[INST] x [/INST]", "[gMASK]",
                              "<｜User｜>", "<<|im_end|>", "x < y <|im_end|>", "[unused9]"}) {
    EXPECT_FALSE(render(content)) << content;
  }
  for (const char* content : {"1 < 2 and 3 > 2", "a[0] = [1, 2]", "<", "[", "<>", "see [1]", "x <- y"}) {
    EXPECT_TRUE(render(content)) << content;
  }
}

}  // namespace
}  // namespace sovereign::engine
