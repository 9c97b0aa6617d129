#include "gateway/openai/chat_answer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "gateway/openai/answer_json.h"
#include "gateway/openai/structured_text.h"

namespace sovereign::gateway {
namespace {

constexpr std::string_view kRole = R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})";
constexpr std::string_view kHello =
    R"({"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]})";
constexpr std::string_view kStop = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

std::vector<engine::GenerationDelta> read(ChatAnswer& answer, std::string_view event) {
  auto deltas = answer.read_event(event);
  EXPECT_TRUE(deltas) << deltas.error().message;
  return deltas.value_or(std::vector<engine::GenerationDelta>{});
}

TEST(ChatAnswer, PlainTextIsTheContent) {
  ChatAnswer answer(1, false);
  EXPECT_TRUE(read(answer, kRole).empty()) << "a role is not a token";
  const auto hello = read(answer, kHello);
  ASSERT_EQ(hello.size(), 1U);
  EXPECT_EQ(hello[0].text, "Hello");
  EXPECT_EQ(hello[0].tokens, 1U);
  EXPECT_FALSE(answer.structured());
  EXPECT_FALSE(answer.complete());
  const auto stop = read(answer, kStop);
  ASSERT_EQ(stop.size(), 1U);
  EXPECT_EQ(stop[0].finish, engine::FinishReason::stop);
  EXPECT_TRUE(answer.complete());
  EXPECT_EQ(answer.summary().completion_tokens, 1U) << "as it came: no usage was told";
  read(answer, R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":8}})");
  EXPECT_EQ(answer.summary().completion_tokens, 8U);
  EXPECT_EQ(answer.summary().prompt_tokens, 3U);
  EXPECT_FALSE(answer.done());
  read(answer, "[DONE]");
  EXPECT_TRUE(answer.done());
}

TEST(ChatAnswer, ToolCallsComeInParts) {
  ChatAnswer answer(1, true);
  std::string text;
  for (
      const char* event :
      {R"({"choices":[{"index":0,"delta":{"content":"Let me see. "}}]})",
       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"find","arguments":""}}]}}]})",
       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]}}]})",
       R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}},{"index":1,"id":"c2","function":{"name":"stop","arguments":"{}"}}]}}]})",
       R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"}) {
    for (const auto& delta : read(answer, event)) text += delta.text;
  }
  ASSERT_TRUE(answer.structured());
  const auto message = structured_text()->read(text, false);
  EXPECT_EQ(message.content, "Let me see. ");
  ASSERT_EQ(message.tool_calls.size(), 2U);
  EXPECT_EQ(message.tool_calls[0].id, "c1");
  EXPECT_EQ(message.tool_calls[0].name, "find");
  EXPECT_EQ(message.tool_calls[0].arguments, "{\"q\":1}");
  EXPECT_EQ(message.tool_calls[1].name, "stop");
}

TEST(ChatAnswer, ReasoningThatComesFirstIsKeptApart) {
  ChatAnswer answer(1, false);
  std::string text;
  for (const char* event : {R"({"choices":[{"index":0,"delta":{"reasoning_content":"Hm."}}]})",
                            R"({"choices":[{"index":0,"delta":{"content":"Yes."}}]})"}) {
    for (const auto& delta : read(answer, event)) text += delta.text;
  }
  ASSERT_TRUE(answer.structured());
  const auto message = structured_text()->read(text, false);
  EXPECT_EQ(message.reasoning_content, "Hm.");
  EXPECT_EQ(message.content, "Yes.");
}

TEST(ChatAnswer, LogprobsCountTheTokens) {
  ChatAnswer answer(1, false);
  const auto deltas = read(answer,
                           R"({"choices":[{"index":0,"delta":{"content":"é!"},"logprobs":{"content":[
          {"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169]},{"token":"e","logprob":-1.5,"bytes":null}]},
          {"token":"!","logprob":-0.25,"bytes":null,"top_logprobs":[]}]}}]})");
  ASSERT_EQ(deltas.size(), 1U);
  EXPECT_EQ(deltas[0].tokens, 2U);
  ASSERT_EQ(deltas[0].logprobs.size(), 2U);
  EXPECT_EQ(deltas[0].logprobs[0].chosen.bytes, "\xC3\xA9");
  EXPECT_EQ(deltas[0].logprobs[0].top[1].bytes, "e");
  EXPECT_FLOAT_EQ(deltas[0].logprobs[1].chosen.logprob, -0.25F);
}

TEST(ChatAnswer, ChoicesFinishApart) {
  ChatAnswer answer(2, false);
  read(answer, R"({"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"}]})");
  EXPECT_TRUE(answer.finished(1));
  EXPECT_FALSE(answer.complete());
  EXPECT_TRUE(read(answer, R"({"choices":[{"index":1,"delta":{"content":"after its end"}}]})").empty());
  EXPECT_TRUE(read(answer, R"({"choices":[{"index":7,"delta":{"content":"nobody asked"}}]})").empty());
  read(answer, kStop);
  EXPECT_TRUE(answer.complete());
}

TEST(ChatAnswer, ErrorsAreTold) {
  ChatAnswer answer(1, false);
  const auto broken = answer.read_event(R"({"error":{"message":"out of memory","code":"oom"}})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "out of memory");
  EXPECT_EQ(broken.error().reason, "oom");
  EXPECT_EQ(ChatAnswer(1, false).read_event("<html>").error().code, ErrorCode::corrupt);
  EXPECT_EQ(ChatAnswer(1, false).read_event("[1]").error().code, ErrorCode::corrupt);
  EXPECT_EQ(ChatAnswer(1, false).read_whole("{}").error().code, ErrorCode::corrupt);
}

// [DONE] alone, or before a choice has its finish_reason, was once a success.
TEST(ChatAnswer, DoneIsNoEndOfAChoice) {
  ChatAnswer answer(1, false);
  read(answer, kHello);
  read(answer, "[DONE]");
  EXPECT_TRUE(answer.done());
  EXPECT_FALSE(answer.complete());
}

TEST(ChatAnswer, WhatAFilterCutIsSaidSoAndWhatWasAbortedIsNoAnswer) {
  const auto ending = [](std::string_view reason) {
    return fmt::format(R"({{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{}"}}]}})", reason);
  };
  ChatAnswer filtered(1, false);
  read(filtered, kHello);
  EXPECT_EQ(read(filtered, ending("content_filter")).front().finish, engine::FinishReason::filtered);
  EXPECT_TRUE(filtered.complete());
  for (const char* reason : {"abort", "error", "insufficient_system_resource"}) {
    ChatAnswer broken(1, false);
    read(broken, kHello);
    const auto deltas = broken.read_event(ending(reason));
    ASSERT_FALSE(deltas) << reason;
    EXPECT_EQ(deltas.error().code, ErrorCode::unavailable);
    EXPECT_EQ(deltas.error().reason, "backend_broke_off");
    EXPECT_FALSE(broken.complete());
  }
  ChatAnswer own(1, false);
  EXPECT_EQ(read(own, ending("eos_token")).front().finish, engine::FinishReason::stop);
  const auto whole = ChatAnswer(1, false).read_whole(
      R"({"choices":[{"index":0,"message":{"content":"Half"},"finish_reason":"abort"}]})");
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().reason, "backend_broke_off");
}

TEST(ChatAnswer, AnAnswerThatIsNoStreamIsRead) {
  ChatAnswer answer(1, false);
  const auto deltas = answer.read_whole(
      R"({"choices":[{"index":0,"message":{"content":"Whole."},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}})");
  ASSERT_TRUE(deltas);
  EXPECT_EQ((*deltas)[0].text, "Whole.");
  EXPECT_TRUE(answer.complete());
  EXPECT_EQ(answer.summary().prompt_tokens, 2U);
}

TEST(ChatAnswer, ErrorTextIsFoundWhereServersPutIt) {
  EXPECT_EQ(error_message(R"({"error":"plain"})"), "plain");
  EXPECT_EQ(error_message(R"({"message":"vllm"})"), "vllm");
  EXPECT_EQ(error_message(R"({"detail":"fastapi"})"), "fastapi");
  EXPECT_EQ(error_message("a\nb"), "a b");
  EXPECT_EQ(error_code(R"({"error":{"code":400,"type":"exceed_context_size_error"}})"),
            kContextLengthExceeded)
      << "as llama-server says it";
  EXPECT_EQ(error_code(R"({"error":{"code":400,"type":"other"}})"), "");
  EXPECT_EQ(error_code(R"({"object":"error","message":"This model's maximum context length is 4096 tokens. )"
                       R"(However, you requested 5000 tokens.","type":"BadRequestError","code":400})"),
            kContextLengthExceeded)
      << "as vLLM says it";
  EXPECT_EQ(
      error_code(R"({"error":{"message":"The input (9 tokens) is longer than the model's context length )"
                 R"((8 tokens).","code":400}})"),
      kContextLengthExceeded)
      << "as SGLang says it";
  EXPECT_EQ(error_message(std::string(10'000, 'x')).size(), 300U);
}

// Whatever comes, nothing breaks and nothing is told twice.
TEST(ChatAnswer, AnyBytesAreSurvived) {
  EXPECT_TRUE(rc::check([](const std::string& bytes, std::uint8_t choices) {
    ChatAnswer answer(choices % 4, bytes.size() % 2 == 0);
    answer.read_event(bytes);
    answer.read_event("{\"choices\":" + bytes + "}");
    answer.read_event("{\"choices\":[{\"delta\":" + bytes + "}]}");
    answer.read_whole(bytes);
    structured_text()->read(bytes, true);
  }));
}

TEST(StructuredText, ReadsWhatWasWritten) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<std::uint8_t, std::string>>& pieces) {
    std::string text;
    engine::ChatMessage wanted;
    for (const auto& [kind, piece] : pieces) {
      if (kind % 3 == 0) {
        append_content(text, piece);
        wanted.content += piece;
      } else if (kind % 3 == 1) {
        append_reasoning(text, piece);
        wanted.reasoning_content += piece;
      } else {
        append_call(text, kind % 2, CallPart::arguments, piece);
        if (wanted.tool_calls.size() <= kind % 2) wanted.tool_calls.resize(kind % 2 + 1);
        wanted.tool_calls[kind % 2].arguments += piece;
      }
    }
    const auto read = structured_text()->read(text, false);
    RC_ASSERT(read.content == wanted.content);
    RC_ASSERT(read.reasoning_content == wanted.reasoning_content);
    RC_ASSERT(read.tool_calls.size() == wanted.tool_calls.size());
    for (std::size_t i = 0; i < wanted.tool_calls.size(); ++i) {
      RC_ASSERT(read.tool_calls[i].arguments == wanted.tool_calls[i].arguments);
    }
  }));
}

}  // namespace
}  // namespace sovereign::gateway
