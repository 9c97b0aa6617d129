#include "server/openai/completion_request.h"

#include <gtest/gtest.h>

#include "server/openai/embedding_request.h"

namespace sovereign::server::openai {
namespace {

using Tokens = std::vector<engine::Token>;

RequestLimits limits() {
  RequestLimits limits;
  limits.vocabulary_size = 1000;
  limits.context_tokens = 4096;
  return limits;
}

CompletionRequest parsed(const std::string& body) {
  auto request = parse_completion_request(body, limits());
  EXPECT_TRUE(request.has_value()) << body << ": " << request.error().message;
  return request.value_or(CompletionRequest{});
}

std::string refused_param(const std::string& body) {
  const auto request = parse_completion_request(body, limits());
  EXPECT_FALSE(request.has_value()) << body;
  return request ? "" : request.error().where;
}

TEST(CompletionRequest, ReadsEveryFormOfPrompt) {
  EXPECT_EQ(std::get<std::string>(parsed(R"({"prompt":"a"})").prompts.at(0)), "a");
  EXPECT_EQ(parsed(R"({"prompt":["a","b"]})").prompts.size(), 2u);
  EXPECT_EQ(std::get<Tokens>(parsed(R"({"prompt":[1,2]})").prompts.at(0)), (Tokens{1, 2}));
  const auto several = parsed(R"({"prompt":[[1,2],[3]]})").prompts;
  ASSERT_EQ(several.size(), 2u);
  EXPECT_EQ(std::get<Tokens>(several[1]), (Tokens{3}));
}

TEST(CompletionRequest, RefusesOtherPrompts) {
  for (const auto* prompt : {"5", "{}", "[]", "[[]]", "[1000]", "[-1]", "[1.5]", "[1,\"a\"]", "[\"a\",[]]",
                             "[null]", "[[1],[\"a\"]]", "null"}) {
    EXPECT_EQ(refused_param(std::string(R"({"prompt":)") + prompt + "}"), "prompt") << prompt;
  }
  EXPECT_EQ(refused_param("{}"), "prompt");
  std::string many = "\"a\"";
  for (int i = 0; i < 64; ++i) many += ",\"a\"";
  EXPECT_EQ(refused_param(R"({"prompt":[)" + many + "]}"), "prompt");
}

TEST(CompletionRequest, LengthFollowsOpenAI) {
  EXPECT_EQ(parsed(R"({"prompt":"a"})").options.max_tokens, kDefaultCompletionTokens);
  EXPECT_EQ(parsed(R"({"prompt":"a","max_tokens":-1})").options.max_tokens, 0u);
  EXPECT_FALSE(parsed(R"({"prompt":"a","max_tokens":-1})").options.empty_output);
  EXPECT_TRUE(parsed(R"({"prompt":"a","max_tokens":0})").options.empty_output);
}

TEST(CompletionRequest, ReadsItsOwnFields) {
  const auto request = parsed(R"({"prompt":"a","logprobs":2,"n":2,"best_of":2,"suffix":""})");
  EXPECT_EQ(request.options.sampling.top_logprobs, 2);
  EXPECT_TRUE(parsed(R"({"prompt":"a","echo":true})").echo);
  EXPECT_EQ(refused_param(R"({"prompt":"a","suffix":"b"})"), "suffix");
  EXPECT_EQ(refused_param(R"({"prompt":"a","best_of":3})"), "best_of");
  EXPECT_EQ(refused_param(R"({"prompt":"a","logprobs":true})"), "logprobs");
  EXPECT_EQ(refused_param(R"({"prompt":"a","logprobs":1,"echo":true})"), "logprobs");
}

TEST(EmbeddingRequest, ReadsInputsAndFormat) {
  auto request =
      parse_embedding_request(R"({"input":["a","b"],"encoding_format":"base64","model":"m"})", limits());
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->inputs.size(), 2u);
  EXPECT_TRUE(request->base64);
  EXPECT_EQ(parse_embedding_request(R"({"input":"a","encoding_format":"int8"})", limits()).error().where,
            "encoding_format");
  EXPECT_EQ(parse_embedding_request(R"({"input":"a","dimensions":3})", limits()).error().where, "dimensions");
  EXPECT_EQ(parse_embedding_request("{}", limits()).error().where, "input");
}

}  // namespace
}  // namespace sovereign::server::openai
