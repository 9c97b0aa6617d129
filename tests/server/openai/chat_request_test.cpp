#include "server/openai/chat_request.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

RequestLimits limits() {
  RequestLimits limits;
  limits.vocabulary_size = 1000;
  limits.context_tokens = 4096;
  return limits;
}

// A request with one user message and `more` fields, e.g. R"("n":2)".
std::string body(const std::string& more) {
  return R"({"model":"m","messages":[{"role":"user","content":"Hi"}])" + (more.empty() ? "" : "," + more) +
         "}";
}

ChatRequest parsed(const std::string& more) {
  auto request = parse_chat_request(body(more), limits());
  EXPECT_TRUE(request.has_value()) << more << ": " << request.error().message;
  return request.value_or(ChatRequest{});
}

Error refused(const std::string& text) {
  const auto request = parse_chat_request(text, limits());
  EXPECT_FALSE(request.has_value()) << text;
  if (request) return {};
  EXPECT_EQ(request.error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(request.error().message.empty());
  return request.error();
}

std::string refused_param(const std::string& more) { return refused(body(more)).where; }

TEST(ChatRequest, DefaultsAreOpenAIs) {
  const auto request = parsed("");
  EXPECT_EQ(request.options.model, "m");
  EXPECT_EQ(request.options.n, 1u);
  EXPECT_EQ(request.options.max_tokens, 0u);  // until the context is full
  EXPECT_FALSE(request.options.stream);
  EXPECT_EQ(request.options.sampling.temperature, 1.0F);
  EXPECT_EQ(request.options.sampling.top_p, 1.0F);
  EXPECT_EQ(request.options.sampling.top_logprobs, -1);
  EXPECT_FALSE(request.options.sampling.seed.has_value());
  EXPECT_EQ(request.input.messages_json, R"([{"role":"user","content":"Hi"}])");
  EXPECT_EQ(request.input.tool_choice, "auto");
}

TEST(ChatRequest, ReadsEverySamplingField) {
  const auto sampling = parsed(R"("temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"typical_p":0.8,
      "repeat_penalty":1.1,"repeat_last_n":32,"frequency_penalty":-1,"presence_penalty":2,"seed":42,
      "logit_bias":{"7":-100,"8":1.5},"logprobs":true,"top_logprobs":3)")
                            .options.sampling;
  EXPECT_FLOAT_EQ(sampling.temperature, 0.5F);
  EXPECT_FLOAT_EQ(sampling.top_p, 0.9F);
  EXPECT_EQ(sampling.top_k, 40);
  EXPECT_FLOAT_EQ(sampling.min_p, 0.05F);
  EXPECT_FLOAT_EQ(sampling.typical_p, 0.8F);
  EXPECT_FLOAT_EQ(sampling.repeat_penalty, 1.1F);
  EXPECT_EQ(sampling.penalty_last_n, 32);
  EXPECT_FLOAT_EQ(sampling.frequency_penalty, -1.0F);
  EXPECT_FLOAT_EQ(sampling.presence_penalty, 2.0F);
  EXPECT_EQ(sampling.seed, 42u);
  ASSERT_EQ(sampling.logit_bias.size(), 2u);
  EXPECT_TRUE(std::isinf(sampling.logit_bias[0].second));
  EXPECT_FLOAT_EQ(sampling.logit_bias[1].second, 1.5F);
  EXPECT_EQ(sampling.top_logprobs, 3);
}

TEST(ChatRequest, ReadsLengthStopAndStreaming) {
  EXPECT_EQ(parsed(R"("max_tokens":5)").options.max_tokens, 5u);
  EXPECT_EQ(parsed(R"("max_tokens":5,"max_completion_tokens":7)").options.max_tokens, 7u);
  EXPECT_EQ(parsed(R"("max_tokens":-1)").options.max_tokens, 0u);
  EXPECT_EQ(parsed(R"("max_tokens":16.0)").options.max_tokens, 16u);
  EXPECT_EQ(parsed(R"("stop":"end")").options.stop, std::vector<std::string>{"end"});
  EXPECT_EQ(parsed(R"("stop":["a","b",""])").options.stop, (std::vector<std::string>{"a", "b"}));
  const auto options = parsed(R"("stream":true,"stream_options":{"include_usage":true},"n":3)").options;
  EXPECT_TRUE(options.stream);
  EXPECT_TRUE(options.include_usage);
  EXPECT_EQ(options.n, 3u);
  EXPECT_FALSE(parsed(R"("seed":-1)").options.sampling.seed.has_value());
  EXPECT_TRUE(parsed(R"("seed":9223372036854775807)").options.sampling.seed.has_value());
}

TEST(ChatRequest, NullIsAbsentAndUnknownFieldsAreIgnored) {
  const auto request = parsed(R"("temperature":null,"stop":null,"tools":null,"cache_prompt":true,"user":"u",
      "metadata":{"a":[1,2]},"store":false,"brand_new_field":1)");
  EXPECT_EQ(request.options.sampling.temperature, 1.0F);
}

TEST(ChatRequest, NamesTheParameterAtFault) {
  EXPECT_EQ(refused_param(R"("temperature":"hot")"), "temperature");
  EXPECT_EQ(refused_param(R"("temperature":2.1)"), "temperature");
  EXPECT_EQ(refused_param(R"("temperature":-0.1)"), "temperature");
  EXPECT_EQ(refused_param(R"("temperature":1e300)"), "temperature");
  EXPECT_EQ(refused_param(R"("top_p":1.01)"), "top_p");
  EXPECT_EQ(refused_param(R"("n":0)"), "n");
  EXPECT_EQ(refused_param(R"("n":1000)"), "n");
  EXPECT_EQ(refused_param(R"("n":1.5)"), "n");
  EXPECT_EQ(refused_param(R"("max_tokens":0)"), "max_tokens");
  EXPECT_EQ(refused_param(R"("max_tokens":-2)"), "max_tokens");
  EXPECT_EQ(refused_param(R"("max_tokens":18446744073709551615)"), "max_tokens");
  EXPECT_EQ(refused_param(R"("max_tokens":1e30)"), "max_tokens");
  EXPECT_EQ(refused_param(R"("max_completion_tokens":"5")"), "max_completion_tokens");
  EXPECT_EQ(refused_param(R"("stop":5)"), "stop");
  EXPECT_EQ(refused_param(R"("stop":[5])"), "stop");
  EXPECT_EQ(refused_param(R"("stop":[)" + std::string("\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",") +
                          R"("a","a","a","a","a","a","a","a","a"])"),
            "stop");
  EXPECT_EQ(refused_param(R"("stream":"yes")"), "stream");
  EXPECT_EQ(refused_param(R"("stream_options":{"include_usage":true})"), "stream_options");
  EXPECT_EQ(refused_param(R"("stream":true,"stream_options":{"include_usage":1})"),
            "stream_options.include_usage");
  EXPECT_EQ(refused_param(R"("logit_bias":{"x":1})"), "logit_bias");
  EXPECT_EQ(refused_param(R"("logit_bias":{"1000":1})"), "logit_bias");
  EXPECT_EQ(refused_param(R"("logit_bias":{"-1":1})"), "logit_bias");
  EXPECT_EQ(refused_param(R"("logit_bias":{"1":101})"), "logit_bias.1");
  EXPECT_EQ(refused_param(R"("top_logprobs":3)"), "top_logprobs");
  EXPECT_EQ(refused_param(R"("logprobs":true,"top_logprobs":21)"), "top_logprobs");
  EXPECT_EQ(refused_param(R"("logprobs":5)"), "logprobs");
  EXPECT_EQ(refused_param(R"("response_format":{"type":"xml"})"), "response_format.type");
  EXPECT_EQ(refused_param(R"("response_format":"json")"), "response_format");
  EXPECT_EQ(refused_param(R"("response_format":{"type":"json_schema"})"), "response_format.json_schema");
  EXPECT_EQ(refused_param(R"("response_format":{"type":"json_schema","json_schema":{"name":"n"}})"),
            "response_format.json_schema.schema");
  EXPECT_EQ(refused_param(R"("functions":[])"), "functions");
  EXPECT_EQ(refused_param(R"("model":5)"), "model");
  EXPECT_EQ(refused_param(R"("repeat_penalty":0)"), "repeat_penalty");
  EXPECT_EQ(refused_param(R"("repeat_last_n":5000)"), "repeat_last_n");
}

TEST(ChatRequest, ChecksMessages) {
  const auto where = [](const std::string& messages) {
    return refused(R"({"messages":)" + messages + "}").where;
  };
  EXPECT_EQ(refused("{}").where, "messages");
  EXPECT_EQ(where("[]"), "messages");
  EXPECT_EQ(where("\"Hi\""), "messages");
  EXPECT_EQ(where("[5]"), "messages[0]");
  EXPECT_EQ(where(R"([{"content":"x"}])"), "messages[0].role");
  EXPECT_EQ(where(R"([{"role":"king","content":"x"}])"), "messages[0].role");
  EXPECT_EQ(where(R"([{"role":5,"content":"x"}])"), "messages[0].role");
  EXPECT_EQ(where(R"([{"role":"user","content":"x"},{"role":"user"}])"), "messages[1].content");
  EXPECT_EQ(where(R"([{"role":"user","content":null}])"), "messages[0].content");
  EXPECT_EQ(where(R"([{"role":"user","content":5}])"), "messages[0].content");
  EXPECT_EQ(where(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}])"),
            "messages[0].content[0].type");
  EXPECT_EQ(where(R"([{"role":"user","content":[{"type":"text"}]}])"), "messages[0].content[0].text");
  EXPECT_EQ(where(R"([{"role":"tool","content":"x"}])"), "messages[0].tool_call_id");
  EXPECT_EQ(where(R"([{"role":"user","content":"x","tool_calls":[{"function":{"name":"f"}}]}])"),
            "messages[0].tool_calls");
  EXPECT_EQ(where(R"([{"role":"assistant","tool_calls":[{"id":"1","function":{}}]}])"),
            "messages[0].tool_calls[0].function.name");
}

TEST(ChatRequest, BringsMessagesIntoTheTemplatesForm) {
  const auto request = parse_chat_request(
      R"({"messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
          {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
           "function":{"name":"f","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"c1","content":"5"}]})",
      limits());
  ASSERT_TRUE(request.has_value()) << request.error().message;
  const auto messages = boost::json::parse(request->input.messages_json).as_array();
  EXPECT_EQ(messages[0].at("role").as_string(), "system");
  EXPECT_EQ(messages[0].at("content").as_string(), "a\nb");
  EXPECT_TRUE(messages[1].at("content").is_null());
  EXPECT_EQ(messages[1].at("tool_calls").at(0).at("function").at("arguments").as_string(), "{}");
  EXPECT_EQ(messages[2].at("tool_call_id").as_string(), "c1");
}

TEST(ChatRequest, ReadsToolsAndChoice) {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}])";
  auto request = parsed(tools);
  EXPECT_TRUE(request.input.parallel_tool_calls);
  EXPECT_FALSE(request.input.tools_json.empty());
  EXPECT_EQ(parsed(tools + R"(,"tool_choice":"required")").input.tool_choice, "required");
  EXPECT_NE(parsed(tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})").input.tool_choice,
            "auto");
  EXPECT_FALSE(parsed(tools + R"(,"parallel_tool_calls":false)").input.parallel_tool_calls);

  EXPECT_EQ(refused_param(tools + R"(,"tool_choice":"maybe")"), "tool_choice");
  EXPECT_EQ(refused_param(tools + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"),
            "tool_choice");
  EXPECT_EQ(refused_param(R"("tool_choice":"required")"), "tool_choice");
  EXPECT_EQ(refused_param(R"("tools":[{"type":"web"}])"), "tools[0].type");
  EXPECT_EQ(refused_param(R"("tools":[{"type":"function","function":{"name":"a b"}}])"),
            "tools[0].function.name");
  EXPECT_EQ(refused_param(R"("tools":[{"function":{"name":"a"}},{"function":{"name":"a"}}])"), "tools[1]");
  EXPECT_EQ(refused_param(R"("tools":[{"function":{"name":"a","parameters":[]}}])"),
            "tools[0].function.parameters");
}

TEST(ChatRequest, ReadsOutputFormats) {
  EXPECT_EQ(parsed(R"("response_format":{"type":"text"})").input.json_schema, "");
  EXPECT_EQ(parsed(R"("response_format":{"type":"json_object"})").input.json_schema, R"({"type":"object"})");
  EXPECT_EQ(parsed(R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"a":1}}})")
                .input.json_schema,
            R"({"a":1})");
  EXPECT_EQ(parsed(R"("json_schema":{"a":1})").input.json_schema, R"({"a":1})");
  EXPECT_EQ(parsed(R"("grammar":"root ::= \"a\"")").input.grammar, "root ::= \"a\"");
  EXPECT_EQ(refused_param(R"("grammar":"x","json_schema":{})"), "grammar");
}

TEST(ChatRequest, ASchemaIsAWishUnlessItIsStrict) {
  const auto wish = [](const std::string& wrapper) {
    return parsed(R"("response_format":{"type":"json_schema","json_schema":)" + wrapper + "}")
        .input.schema_is_wish;
  };
  EXPECT_TRUE(wish(R"({"name":"n","schema":{"a":1}})")) << "OpenAI's default";
  EXPECT_TRUE(wish(R"({"name":"n","schema":{"a":1},"strict":false})"));
  EXPECT_FALSE(wish(R"({"name":"n","schema":{"a":1},"strict":true})"));
  EXPECT_TRUE(parsed(R"("json_schema":{"a":1})").input.schema_is_wish);
  EXPECT_TRUE(parsed(R"("response_format":{"type":"json_object","schema":{"a":1}})").input.schema_is_wish);
}

TEST(ChatRequest, TellsTheTemplateWhatItIsAskedTo) {
  EXPECT_EQ(parsed(R"("chat_template_kwargs":{"enable_thinking":false,"reasoning_effort":"low","n":2})")
                .input.template_arguments,
            R"({"enable_thinking":false,"reasoning_effort":"low","n":2})");
  EXPECT_EQ(parsed(R"("chat_template_kwargs":{})").input.template_arguments, "");
  for (const std::string arguments : {R"([1])", R"({"a":[1]})", R"({"a":{"b":1}})", R"({"a":null})",
                                      R"({"a":"<|im_end|>"})", R"({"<|im_end|>":1})"}) {
    EXPECT_EQ(refused_param("\"chat_template_kwargs\":" + arguments), "chat_template_kwargs") << arguments;
  }
}

TEST(ChatRequest, KeepsTheWordsOfAFormatForServersElsewhere) {
  const std::string schema =
      R"({"type":"json_schema","json_schema":{"name":"n","strict":false,"schema":{"a":1}}})";
  EXPECT_EQ(parsed(R"("response_format":)" + schema).input.response_format, schema);
  EXPECT_EQ(parsed(R"("response_format":{"type":"json_object"})").input.response_format,
            R"({"type":"json_object"})");
  // llama-server's own ways are no OpenAI's: there only the schema is told.
  EXPECT_EQ(parsed(R"("response_format":{"type":"json_object","schema":{"a":1}})").input.response_format, "");
  EXPECT_EQ(parsed(R"("json_schema":{"a":1})").input.response_format, "");
  EXPECT_EQ(parsed(R"("response_format":{"type":"text"})").input.response_format, "");
}

TEST(ChatRequest, SaysWhereTheJsonIsBroken) {
  EXPECT_NE(refused("{\"model\":\n  oops}").message.find("line 2"), std::string::npos);
  EXPECT_NE(refused("").message.find("not valid JSON"), std::string::npos);
  EXPECT_NE(refused("{\"a\":NaN}").message.find("not valid JSON"), std::string::npos);
  EXPECT_NE(refused("[1]").message.find("an array"), std::string::npos);
  EXPECT_NE(refused("{} {}").message.find("after its JSON value"), std::string::npos);
  EXPECT_NE(refused("{\"a\":\"\xFF\"}").message.find("UTF-8"), std::string::npos);
  const std::string deep = "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_NE(refused(deep).message.find("nested"), std::string::npos);
}

}  // namespace
}  // namespace sovereign::server::openai
