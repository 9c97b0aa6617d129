#include "gateway/openai/chat_body.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "gateway/openai/body_fields.h"

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

json::value render(const GenerateRequest& request, Preset preset = Preset::openai) {
  const auto body = render_chat_body(request, preset_info(preset).dialect);
  EXPECT_TRUE(body) << body.error().message;
  return json::parse(complete_body("a \"model\"", body.value_or("}")));
}

GenerateRequest hello() {
  GenerateRequest request;
  request.input.messages_json = R"([{"role":"user","content":"Hi"}])";
  return request;
}

TEST(ChatBody, SaysWhatIsAskedAndNothingElse) {
  EXPECT_EQ(json::serialize(render(hello())),
            R"({"model":"a \"model\"","messages":[{"role":"user","content":"Hi"}],"temperature":1E0,)"
            R"("stream":true,"stream_options":{"include_usage":true}})");
}

TEST(ChatBody, SamplingByOpenAisNames) {
  GenerateRequest request = hello();
  request.n = 2;
  request.max_tokens = 50;
  request.stop = {"\n", "END"};
  request.sampling.temperature = 0.7F;
  request.sampling.top_p = 0.9F;
  request.sampling.frequency_penalty = 0.5F;
  request.sampling.presence_penalty = -0.5F;
  request.sampling.seed = 7;
  request.sampling.top_logprobs = 3;
  request.sampling.logit_bias = {{5, 2.0F}, {9, -std::numeric_limits<float>::infinity()}};
  const auto body = render(request);
  EXPECT_EQ(body.at("n"), 2);
  EXPECT_EQ(body.at("max_tokens"), 50);
  EXPECT_EQ(body.at("stop"), json::value({"\n", "END"}));
  EXPECT_EQ(body.at("temperature").as_double(), 0.7);
  EXPECT_EQ(body.at("top_p").as_double(), 0.9);
  EXPECT_EQ(body.at("frequency_penalty").as_double(), 0.5);
  EXPECT_EQ(body.at("presence_penalty").as_double(), -0.5);
  EXPECT_EQ(body.at("seed"), 7);
  EXPECT_EQ(body.at("logprobs"), true);
  EXPECT_EQ(body.at("top_logprobs"), 3);
  EXPECT_EQ(body.at("logit_bias").at("5").as_double(), 2.0);
  EXPECT_EQ(body.at("logit_bias").at("9"), -100);
}

TEST(ChatBody, GreedyIsGreedyWhereTopKIsUnknown) {
  GenerateRequest request = hello();
  request.sampling.top_k = 1;
  const auto body = render(request);
  EXPECT_EQ(body.at("temperature"), 0);
  EXPECT_EQ(body.as_object().if_contains("top_k"), nullptr);
}

TEST(ChatBody, DialectsNameTheirOwnKnobs) {
  GenerateRequest request = hello();
  request.sampling.top_k = 40;
  request.sampling.min_p = 0.05F;
  request.sampling.repeat_penalty = 1.1F;
  request.ignore_eos = true;
  const auto vllm = render(request, Preset::vllm);
  EXPECT_EQ(vllm.at("top_k"), 40);
  EXPECT_EQ(vllm.at("repetition_penalty").as_double(), 1.1);
  EXPECT_EQ(vllm.at("ignore_eos"), true);
  const auto llama = render(request, Preset::llama_server);
  EXPECT_EQ(llama.at("repeat_penalty").as_double(), 1.1);
  EXPECT_EQ(llama.at("repeat_last_n"), 64);
  const auto ollama = render(request, Preset::ollama);
  EXPECT_EQ(ollama.as_object().if_contains("top_k"), nullptr);
}

TEST(ChatBody, LlamaServersOwnDefaultsAreOverruled) {
  const auto body = render(hello(), Preset::llama_server);
  EXPECT_EQ(body.at("top_k"), 0);
  EXPECT_EQ(body.at("top_p").to_number<double>(), 1.0);
  EXPECT_EQ(body.at("min_p").to_number<double>(), 0.0);
}

// vLLM and SGLang take what a request leaves open from the model's generation_config.json.
TEST(ChatBody, ModelsOwnDefaultsAreOverruled) {
  for (const Preset preset : {Preset::vllm, Preset::sglang}) {
    const auto body = render(hello(), preset);
    EXPECT_EQ(body.at("top_k"), -1);
    EXPECT_EQ(body.at("top_p").to_number<double>(), 1.0);
    EXPECT_EQ(body.at("min_p").to_number<double>(), 0.0);
    EXPECT_EQ(body.at("repetition_penalty").to_number<double>(), 1.0);
  }
  const auto lmstudio = render(hello(), Preset::lmstudio);
  EXPECT_EQ(lmstudio.at("top_p").to_number<double>(), 1.0);
  EXPECT_EQ(lmstudio.at("repeat_penalty").to_number<double>(), 1.0);
  EXPECT_EQ(lmstudio.as_object().if_contains("top_k"), nullptr) << "it is not known to have a word for 'all'";
}

TEST(ChatBody, ToolsAndFormats) {
  GenerateRequest request = hello();
  request.input.tools_json = R"([{"type":"function","function":{"name":"f"}}])";
  request.input.tool_choice = R"({"type":"function","function":{"name":"f"}})";
  request.input.json_schema = R"({"type":"object"})";
  const auto body = render(request);
  EXPECT_EQ(body.at("tools").at(0).at("function").at("name"), "f");
  EXPECT_EQ(body.at("tool_choice").at("type"), "function");
  EXPECT_EQ(body.at("parallel_tool_calls"), false);
  EXPECT_EQ(body.at("response_format").at("json_schema").at("schema").at("type"), "object");
  request.input.tool_choice = "required";
  EXPECT_EQ(render(request).at("tool_choice"), "required");
}

// json_object became a strict schema, and every schema the client's name for it "answer".
TEST(ChatBody, AFormatIsPassedOnInTheClientsWords) {
  GenerateRequest request = hello();
  request.input.json_schema = R"({"type":"object"})";
  for (
      const char* words :
      {R"({"type":"json_object"})",
       R"({"type":"json_schema","json_schema":{"name":"person","description":"d","strict":false,"schema":{"type":"object"}}})"}) {
    request.input.response_format = words;
    EXPECT_EQ(render(request).at("response_format"), json::parse(words));
  }
}

TEST(ChatBody, TokensByNumberAreForWhomTheClientNamed) {
  GenerateRequest request = hello();
  request.sampling.logit_bias = {{5, 2.0F}};
  EXPECT_EQ(render(request).at("logit_bias").at("5").as_double(), 2.0);
  request.named = false;
  const auto refused = render_chat_body(request, preset_info(Preset::vllm).dialect);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_EQ(refused.error().where, "logit_bias");
}

TEST(ChatBody, WhatWouldBeAnotherAnswerIsRefused) {
  GenerateRequest request = hello();
  request.input.grammar = "root ::= \"x\"";
  const auto refused = render_chat_body(request, preset_info(Preset::vllm).dialect);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_EQ(render(request, Preset::llama_server).at("grammar"), "root ::= \"x\"");
  GenerateRequest several = hello();
  several.n = 2;
  EXPECT_FALSE(render_chat_body(several, preset_info(Preset::ollama).dialect));
}

}  // namespace
}  // namespace sovereign::gateway
