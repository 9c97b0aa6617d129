#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "server/openai/chat_deltas.h"
#include "server/openai/chat_response.h"
#include "server/openai/completion_response.h"
#include "server/openai/embedding_response.h"

namespace sovereign::server::openai {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

const ResponseHead kHead{"chatcmpl-1", 1700000000, "model \"x\"", "fp_1"};

Usage usage() {
  engine::GenerationSummary summary;
  summary.prompt_tokens = 10;
  summary.cached_prompt_tokens = 4;
  summary.completion_tokens = 6;
  summary.queue_wait = milliseconds(5);
  summary.ttft = milliseconds(25);
  summary.total = milliseconds(85);
  Usage usage;
  usage.add(summary);
  return usage;
}

std::vector<engine::TokenLogprob> logprobs() {
  return {{{5, "\xE2\x82", -0.5F}, {{5, "\xE2\x82", -0.5F}, {6, "b", -INFINITY}}}};
}

json::object delta_of(const std::string& chunk) {
  return json::parse(chunk).at("choices").at(0).at("delta").as_object();
}

TEST(ChatResponse, WholeAnswer) {
  ChatChoice text;
  text.message.content = "Hello\n";
  text.logprobs = logprobs();
  ChatChoice call;
  call.message.tool_calls.push_back({"", "f", "{\"a\":1}"});
  ChatChoice cut;
  cut.message.content = "Hel";
  cut.finish = engine::FinishReason::length;
  const auto answer = json::parse(chat_completion_json(kHead, {text, call, cut}, usage(), true));

  EXPECT_EQ(answer.at("object").as_string(), "chat.completion");
  EXPECT_EQ(answer.at("id").as_string(), "chatcmpl-1");
  EXPECT_EQ(answer.at("model").as_string(), "model \"x\"");
  EXPECT_EQ(answer.at("created").as_int64(), 1700000000);
  EXPECT_EQ(answer.at("system_fingerprint").as_string(), "fp_1");
  const auto& choices = answer.at("choices").as_array();
  ASSERT_EQ(choices.size(), 3u);
  EXPECT_EQ(choices[0].at("message").at("content").as_string(), "Hello\n");
  EXPECT_EQ(choices[0].at("message").at("role").as_string(), "assistant");
  EXPECT_EQ(choices[0].at("finish_reason").as_string(), "stop");
  const auto& token = choices[0].at("logprobs").at("content").at(0);
  EXPECT_EQ(token.at("token").as_string(), "\xEF\xBF\xBD");
  EXPECT_EQ(token.at("bytes"), (json::array{0xE2, 0x82}));
  EXPECT_EQ(token.at("logprob").as_double(), -0.5);
  EXPECT_EQ(token.at("top_logprobs").as_array().size(), 2u);
  EXPECT_EQ(token.at("top_logprobs").at(1).at("logprob").to_number<double>(), -9999.0);
  EXPECT_EQ(choices[1].at("index").as_int64(), 1);
  EXPECT_TRUE(choices[1].at("message").at("content").is_null());
  EXPECT_EQ(choices[1].at("finish_reason").as_string(), "tool_calls");
  const auto& tool_call = choices[1].at("message").at("tool_calls").at(0);
  EXPECT_TRUE(std::string(tool_call.at("id").as_string()).starts_with("call_"));
  EXPECT_EQ(tool_call.at("function").at("arguments").as_string(), "{\"a\":1}");
  EXPECT_EQ(choices[2].at("finish_reason").as_string(), "length");
  EXPECT_EQ(answer.at("usage").at("prompt_tokens").as_int64(), 10);
  EXPECT_EQ(answer.at("usage").at("total_tokens").as_int64(), 16);
  EXPECT_EQ(answer.at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64(), 4);
  EXPECT_EQ(answer.at("timings").at("prompt_n").as_int64(), 6);
  EXPECT_EQ(answer.at("timings").at("prompt_ms").to_number<double>(), 20.0);
  EXPECT_EQ(answer.at("timings").at("predicted_ms").to_number<double>(), 60.0);
  EXPECT_EQ(answer.at("timings").at("predicted_per_second").to_number<double>(), 100.0);
}

TEST(ChatResponse, Chunks) {
  const ChatChunks chunks(kHead, false);
  const auto first = json::parse(chunks.role(1, false));
  EXPECT_EQ(first.at("object").as_string(), "chat.completion.chunk");
  EXPECT_EQ(first.at("choices").at(0).at("index").as_int64(), 1);
  EXPECT_EQ(first.at("choices").at(0).at("delta").at("role").as_string(), "assistant");
  EXPECT_TRUE(first.at("choices").at(0).at("finish_reason").is_null());
  EXPECT_FALSE(first.as_object().contains("usage"));
  EXPECT_EQ(delta_of(chunks.content(0, "a\"b", nullptr)).at("content").as_string(), "a\"b");
  const auto scored = logprobs();
  const auto with_logprobs = json::parse(chunks.content(0, "x", &scored));
  EXPECT_EQ(with_logprobs.at("choices").at(0).at("logprobs").at("content").as_array().size(), 1u);
  const auto last = json::parse(chunks.finish(0, "stop", nullptr));
  EXPECT_TRUE(last.at("choices").at(0).at("delta").as_object().empty());
  EXPECT_EQ(last.at("choices").at(0).at("finish_reason").as_string(), "stop");

  const ChatChunks counted(kHead, true);
  EXPECT_TRUE(json::parse(counted.content(0, "x", nullptr)).at("usage").is_null());
  const auto total = json::parse(counted.usage(usage()));
  EXPECT_TRUE(total.at("choices").as_array().empty());
  EXPECT_EQ(total.at("usage").at("completion_tokens").as_int64(), 6);
}

TEST(ChatDeltas, TellsOnlyWhatIsNew) {
  ChatDeltas deltas;
  engine::ChatMessage message;
  EXPECT_TRUE(deltas.advance(message).empty());
  message.content = "He";
  EXPECT_EQ(deltas.advance(message), std::vector<std::string>{R"("content":"He")"});
  EXPECT_TRUE(deltas.advance(message).empty());
  message.content = "Hello";
  EXPECT_EQ(deltas.advance(message), std::vector<std::string>{R"("content":"llo")"});
  message.content = "Hel";  // taken back by the parser: not told
  EXPECT_TRUE(deltas.advance(message).empty());
  message.content = "Hello!";
  EXPECT_EQ(deltas.advance(message), std::vector<std::string>{R"("content":"!")"});
  message.reasoning_content = "hm";
  EXPECT_EQ(deltas.advance(message), std::vector<std::string>{R"("reasoning_content":"hm")"});
}

TEST(ChatDeltas, ToolCallsKeepTheirFirstId) {
  ChatDeltas deltas;
  engine::ChatMessage message;
  message.tool_calls.push_back({"a", "", ""});
  EXPECT_TRUE(deltas.advance(message).empty());
  EXPECT_FALSE(deltas.has_tool_calls());
  message.tool_calls[0] = {"b", "f", "{"};
  EXPECT_EQ(
      deltas.advance(message),
      std::vector<std::string>{
          R"("tool_calls":[{"index":0,"id":"b","type":"function","function":{"name":"f","arguments":"{"}}])"});
  message.tool_calls[0] = {"c", "f", "{\"x\":1}"};
  message.tool_calls.push_back({"d", "g", ""});
  EXPECT_EQ(
      deltas.advance(message),
      (std::vector<std::string>{
          R"("tool_calls":[{"index":0,"function":{"arguments":"\"x\":1}"}}])",
          R"("tool_calls":[{"index":1,"id":"d","type":"function","function":{"name":"g","arguments":""}}])"}));
  EXPECT_TRUE(deltas.has_tool_calls());
}

TEST(CompletionResponse, WholeAndChunks) {
  TextChoice choice{
      "ab", engine::FinishReason::length, {{{1, "a", -1.0F}, {}}, {{2, "\xC3\xA9", -2.0F}, {}}}};
  const auto answer = json::parse(text_completion_json(kHead, {choice, choice}, usage(), true));
  EXPECT_EQ(answer.at("object").as_string(), "text_completion");
  EXPECT_EQ(answer.at("choices").at(1).at("index").as_int64(), 1);
  EXPECT_EQ(answer.at("choices").at(0).at("text").as_string(), "ab");
  const auto& scored = answer.at("choices").at(0).at("logprobs");
  EXPECT_EQ(scored.at("tokens"), (json::array{"a", "\xC3\xA9"}));
  EXPECT_EQ(scored.at("text_offset"), (json::array{0, 1}));

  const TextChunks chunks(kHead, true);
  const auto chunk = json::parse(chunks.text(2, "x", nullptr, 0, ""));
  EXPECT_EQ(chunk.at("choices").at(0).at("index").as_int64(), 2);
  EXPECT_TRUE(chunk.at("choices").at(0).at("logprobs").is_null());
  EXPECT_TRUE(chunk.at("choices").at(0).at("finish_reason").is_null());
  EXPECT_TRUE(chunk.at("usage").is_null());
  EXPECT_EQ(
      json::parse(chunks.text(0, "", nullptr, 0, "stop")).at("choices").at(0).at("finish_reason").as_string(),
      "stop");
}

TEST(EmbeddingResponse, FloatsAndBase64) {
  const auto floats = json::parse(embeddings_json("m", {{0.5F, -1.0F}, {}}, 7, false));
  EXPECT_EQ(floats.at("data").at(0).at("embedding").at(1).to_number<double>(), -1.0);
  EXPECT_EQ(floats.at("data").at(1).at("index").as_int64(), 1);
  EXPECT_EQ(floats.at("usage").at("total_tokens").as_int64(), 7);
  // 1.0 is 00 00 80 3f, little-endian.
  const auto packed = json::parse(embeddings_json("m", {{1.0F}, {1.0F, 1.0F, 1.0F}}, 1, true));
  EXPECT_EQ(packed.at("data").at(0).at("embedding").as_string(), "AACAPw==");
  EXPECT_EQ(packed.at("data").at(1).at("embedding").as_string(), "AACAPwAAgD8AAIA/");
}

TEST(ResponseParts, IdsDiffer) {
  const auto a = make_id("x-");
  EXPECT_EQ(a.size(), 26u);
  EXPECT_NE(a, make_id("x-"));
}

}  // namespace
}  // namespace sovereign::server::openai
