#include "gateway/openai/completion_body.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <functional>

#include "gateway/openai/body_fields.h"

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

const Dialect kDialect = preset_info(Preset::vllm).dialect;

GenerateRequest hello() {
  GenerateRequest request;
  request.input.messages_json = R"([{"role":"user","content":"Hi"}])";
  request.max_tokens = 16;
  return request;
}

std::optional<std::string> shared_with(const std::function<void(GenerateRequest&)>& change,
                                       const Dialect& dialect = kDialect) {
  auto request = hello();
  change(request);
  return render_shared_body(request, dialect, "<|im_end|>");
}

TEST(CompletionBody, IsOneRequestForAllPrompts) {
  const auto rest = shared_with([](GenerateRequest& r) { r.stop = {"\n\n"}; });
  ASSERT_TRUE(rest);
  const auto body = json::parse(complete_body("m", render_prompts({"one", "\"two\"\n"}) + *rest)).as_object();
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_EQ(body.at("prompt"), (json::array{"one", "\"two\"\n"}));
  EXPECT_EQ(body.at("max_tokens"), 16);
  EXPECT_EQ(body.at("stop"), (json::array{"\n\n", "<|im_end|>"}));
  EXPECT_EQ(body.at("stream"), true);
  EXPECT_EQ(body.at("stream_options").at("include_usage"), true);
  EXPECT_FALSE(body.contains("messages") || body.contains("seed") || body.contains("n"));
}

TEST(CompletionBody, IsTheSameForThoseThatCanShareACall) {
  const auto plain = shared_with([](GenerateRequest&) {});
  EXPECT_EQ(plain, shared_with([](GenerateRequest& r) { r.input.messages_json = "[]"; }))
      << "that is no part";
  EXPECT_NE(plain, shared_with([](GenerateRequest& r) { r.max_tokens = 17; }));
  EXPECT_NE(plain, shared_with([](GenerateRequest& r) { r.sampling.temperature = 0.5F; }));
  EXPECT_NE(plain, shared_with([](GenerateRequest& r) { r.stop = {"x"}; }));
  const auto greedy = shared_with([](GenerateRequest& r) { r.sampling.temperature = 0; });
  EXPECT_EQ(greedy, shared_with([](GenerateRequest& r) {
              r.sampling.temperature = 0;
              r.sampling.seed = 7;
            }))
      << "a seed that changes nothing";
}

TEST(CompletionBody, ThereIsNoneForWhatAPromptCannotSay) {
  const std::vector<std::function<void(GenerateRequest&)>> changes = {
      [](GenerateRequest& r) { r.n = 2; },
      [](GenerateRequest& r) { r.input.tools_json = "[]"; },
      [](GenerateRequest& r) { r.input.grammar = "root ::= \"x\""; },
      [](GenerateRequest& r) { r.input.json_schema = "{}"; },
      [](GenerateRequest& r) { r.input.response_format = R"({"type":"json_object"})"; },
      [](GenerateRequest& r) { r.input.template_arguments = R"({"enable_thinking":false})"; },
      [](GenerateRequest& r) { r.sampling.top_logprobs = 0; },
      [](GenerateRequest& r) { r.sampling.seed = 7; },
      [](GenerateRequest& r) { r.max_tokens = 0; },
      [](GenerateRequest& r) {
        r.sampling.logit_bias = {{1, 2.0F}};
        r.named = false;
      },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_FALSE(shared_with(changes[i])) << i;
  // llama-server has no other limit for completions than for chats.
  EXPECT_TRUE(
      shared_with([](GenerateRequest& r) { r.max_tokens = 0; }, preset_info(Preset::llama_server).dialect));
}

TEST(CompletionBody, StopsAreNoMoreThanTheApiTakes) {
  const auto rest = shared_with([](GenerateRequest& r) { r.stop = {"a", "b", "c", "d"}; });
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->find("im_end"), std::string::npos);
}

}  // namespace
}  // namespace sovereign::gateway
