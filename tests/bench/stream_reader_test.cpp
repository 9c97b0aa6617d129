#include "bench/stream_reader.h"

#include <gtest/gtest.h>

namespace sovereign::bench {
namespace {

TEST(StreamReader, AChatStream) {
  StreamReader reader;
  EXPECT_FALSE(
      reader.read(R"({"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]})"));
  EXPECT_FALSE(reader.read(R"({"choices":[{"delta":{"content":""}}]})"));
  EXPECT_TRUE(reader.read(R"({"choices":[{"delta":{"content":"hi"},"finish_reason":null}]})"));
  EXPECT_FALSE(reader.read(R"({"choices":[{"delta":{},"finish_reason":"length"}]})"));
  EXPECT_EQ(reader.error(), "the stream ended without [DONE]");
  EXPECT_FALSE(reader.read(R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3,
    "prompt_tokens_details":{"cached_tokens":2}}})"));
  EXPECT_FALSE(reader.read("[DONE]"));
  EXPECT_EQ(reader.error(), "");
  EXPECT_EQ(reader.prompt_tokens(), 5U);
  EXPECT_EQ(reader.output_tokens(), 3U);
  EXPECT_EQ(reader.cached_tokens(), 2U);
}

TEST(StreamReader, ACompletionStreamWithTextInItsLastEvent) {
  StreamReader reader;
  EXPECT_TRUE(reader.read(R"({"choices":[{"text":"a"}],"usage":null})"));
  EXPECT_TRUE(
      reader.read(R"({"choices":[{"text":"b","finish_reason":"stop"}],"usage":{"completion_tokens":2}})"));
  reader.read("[DONE]");
  EXPECT_EQ(reader.error(), "");
}

TEST(StreamReader, WhatDoesNotEndProperlyIsAnError) {
  StreamReader empty;
  EXPECT_NE(empty.error(), "");
  StreamReader no_usage;
  no_usage.read(R"({"choices":[{"text":"b","finish_reason":"stop"}]})");
  no_usage.read("[DONE]");
  EXPECT_NE(no_usage.error(), "");
  StreamReader garbage;
  garbage.read("{oops");
  EXPECT_NE(garbage.error(), "");
  StreamReader refused;
  refused.read(R"({"error":{"message":"slow down"}})");
  EXPECT_NE(refused.error().find("slow down"), std::string::npos);
  for (const char* odd :
       {"[]", "1", "{\"choices\":1}", "{\"choices\":[1]}", "{\"usage\":{\"completion_tokens\":-1}}"}) {
    StreamReader reader;
    EXPECT_FALSE(reader.read(odd)) << odd;
  }
}

}  // namespace
}  // namespace sovereign::bench
