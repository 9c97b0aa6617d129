#include "gateway/openai/relay_answer.h"

#include <gtest/gtest.h>

namespace sovereign::gateway {
namespace {

constexpr const char* kOpen = R"({"choices":[{"index":0,"text":"a","finish_reason":null}]})";
constexpr const char* kStop = R"({"choices":[{"index":0,"text":"","finish_reason":"stop"}]})";

TEST(RelayAnswer, EventsArePassedOnAsTheyCame) {
  RelayAnswer answer(ApiRoute::completions, true);
  const auto deltas = answer.read_event(kOpen);
  ASSERT_TRUE(deltas);
  ASSERT_EQ(deltas->size(), 1U);
  EXPECT_EQ(deltas->front().text, kOpen);
  EXPECT_TRUE(answer.read_event(kStop));
  EXPECT_FALSE(answer.complete()) << "more may come";
  EXPECT_TRUE(answer.read_event("[DONE]")->empty());
  EXPECT_TRUE(answer.done() && answer.complete());
}

TEST(RelayAnswer, AStreamThatEndsBeforeItsChoicesIsNone) {
  RelayAnswer empty(ApiRoute::completions, true);
  EXPECT_TRUE(empty.read_event("[DONE]"));
  EXPECT_FALSE(empty.complete());
  RelayAnswer cut(ApiRoute::completions, true);
  EXPECT_TRUE(cut.read_event(kStop));
  EXPECT_TRUE(cut.read_event(R"({"choices":[{"index":1,"text":"a"}]})"));
  EXPECT_TRUE(cut.read_event("[DONE]"));
  EXPECT_FALSE(cut.complete()) << "its second choice has no end";
}

TEST(RelayAnswer, WhatIsNoAnswerIsTold) {
  RelayAnswer answer(ApiRoute::completions, true);
  EXPECT_EQ(answer.read_event("garbage").error().code, ErrorCode::corrupt);
  EXPECT_EQ(answer.read_event(R"({"choices":3})").error().code, ErrorCode::corrupt);
  const auto broken = answer.read_event(R"({"choices":[{"finish_reason":"abort"}]})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().reason, "backend_broke_off");
  const auto failed = answer.read_event(R"({"error":{"message":"no memory","code":"oom"}})");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
  EXPECT_EQ(failed.error().message, "no memory");
  EXPECT_EQ(answer.read_whole(R"({"data":[]})").error().code, ErrorCode::corrupt) << "embeddings";
  EXPECT_FALSE(answer.complete());
  EXPECT_TRUE(answer.read_whole(kStop));
  EXPECT_TRUE(answer.complete());
}

TEST(RelayAnswer, EmbeddingsAreAList) {
  RelayAnswer answer(ApiRoute::embeddings, false);
  EXPECT_EQ(answer.read_whole(kStop).error().code, ErrorCode::corrupt);
  EXPECT_EQ(answer.read_whole(R"({"data":"no"})").error().code, ErrorCode::corrupt);
  const char* body = R"({"object":"list","data":[{"embedding":[0.10]}]})";
  EXPECT_EQ(answer.read_whole(body)->front().text, body);
  EXPECT_TRUE(answer.complete());
}

TEST(RelayAnswer, EventsThatNobodyAskedForAreNone) {
  RelayAnswer answer(ApiRoute::completions, false);
  EXPECT_EQ(answer.read_event(kStop).error().code, ErrorCode::corrupt);
}

TEST(LacksRoute, IsNotTheSameAsLackingTheModel) {
  EXPECT_TRUE(lacks_route(404, R"({"detail":"Not Found"})"));
  EXPECT_TRUE(lacks_route(404, ""));
  EXPECT_TRUE(
      lacks_route(404, R"({"error":{"code":404,"message":"File Not Found","type":"not_found_error"}})"));
  EXPECT_TRUE(lacks_route(405, ""));
  EXPECT_TRUE(lacks_route(501, R"({"error":{"message":"This server does not support embeddings."}})"));
  EXPECT_FALSE(lacks_route(404, R"({"error":{"message":"The model `x` does not exist."}})"));
  EXPECT_FALSE(lacks_route(404, R"({"error":{"message":"none","code":"model_not_found"}})"));
  EXPECT_FALSE(lacks_route(404, R"({"error":"Model 'x' not found, try pulling it first"})"));
  EXPECT_FALSE(lacks_route(400, ""));
  EXPECT_FALSE(lacks_route(503, ""));
}

}  // namespace
}  // namespace sovereign::gateway
