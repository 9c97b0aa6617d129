#include "gateway/openai/completion_answer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace sovereign::gateway {
namespace {

using Pieces = std::vector<CompletionAnswer::Piece>;

Pieces read(CompletionAnswer& answer, std::string_view event) {
  auto pieces = answer.read_event(event);
  EXPECT_TRUE(pieces) << pieces.error().message;
  return pieces.value_or(Pieces{});
}

TEST(CompletionAnswer, EachPieceIsOfTheGivenPrompt) {
  CompletionAnswer answer(3);
  const auto pieces = read(answer, R"({"choices":[{"index":2,"text":"c"},{"index":0,"text":"a"}]})");
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].prompt, 2U);
  EXPECT_EQ(pieces[0].delta.text, "c");
  EXPECT_EQ(pieces[0].delta.choice, 0U) << "of its own query";
  EXPECT_EQ(pieces[1].prompt, 0U);
  const auto end = read(answer, R"({"choices":[{"index":2,"text":"","finish_reason":"length"}]})");
  ASSERT_EQ(end.size(), 1U);
  EXPECT_EQ(end[0].delta.finish, engine::FinishReason::length);
  EXPECT_TRUE(read(answer, R"({"choices":[{"index":2,"text":"more"}]})").empty()) << "it has finished";
  read(answer, "[DONE]");
  EXPECT_TRUE(answer.done());
}

// A client would get another one's answer.
TEST(CompletionAnswer, AChoiceOfNoPromptSpoilsAll) {
  for (const char* event :
       {R"({"choices":[{"text":"whose?"}]})", R"({"choices":[{"index":null,"text":"whose?"}]})",
        R"({"choices":[{"index":2,"text":"whose?"}]})", R"({"choices":[{"index":-1,"text":"whose?"}]})",
        R"({"choices":[{"index":"0","text":"whose?"}]})", R"({"choices":["text"]})",
        R"({"choices":[{"index":0,"text":"a"},{"text":"whose?"}]})"}) {
    CompletionAnswer answer(2);
    const auto pieces = answer.read_event(event);
    ASSERT_FALSE(pieces) << event;
    EXPECT_EQ(pieces.error().code, ErrorCode::corrupt) << event;
  }
  CompletionAnswer alone(1);
  EXPECT_EQ(read(alone, R"({"choices":[{"text":"mine"}]})").size(), 1U) << "there is no other";
}

// llama-server's way to begin with the second prompt: it failed every batch.
TEST(CompletionAnswer, NullIsNoEvent) {
  CompletionAnswer answer(2);
  EXPECT_TRUE(read(answer, "null").empty());
  EXPECT_EQ(read(answer, R"({"choices":[{"index":1,"text":"b"}]})").size(), 1U);
}

TEST(CompletionAnswer, UsageBesideAChoiceIsItsOwn) {
  CompletionAnswer answer(2);
  read(answer, R"({"choices":[{"index":0,"text":"a"}]})");
  read(answer, R"({"choices":[{"index":1,"text":"b"}]})");
  read(answer,
       R"({"choices":[{"index":1,"text":"","finish_reason":"stop"}],)"
       R"("usage":{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":2}}})");
  EXPECT_EQ(answer.summary(1).prompt_tokens, 7U);
  EXPECT_EQ(answer.summary(1).completion_tokens, 5U);
  EXPECT_EQ(answer.summary(1).cached_prompt_tokens, 2U);
  EXPECT_EQ(answer.summary(0).completion_tokens, 1U) << "as it came";
}

TEST(CompletionAnswer, ASumOverSeveralPromptsIsNobodys) {
  const char* sum = R"({"choices":[],"usage":{"prompt_tokens":70,"completion_tokens":50}})";
  CompletionAnswer several(2);
  read(several, R"({"choices":[{"index":0,"text":"a"},{"index":1,"text":"b"}]})");
  read(several, sum);
  EXPECT_EQ(several.summary(0).prompt_tokens, 0U) << "not known";
  EXPECT_EQ(several.summary(0).completion_tokens, 1U) << "as it came";
  CompletionAnswer alone(1);
  read(alone, sum);
  EXPECT_EQ(alone.summary(0).prompt_tokens, 70U);
}

TEST(CompletionAnswer, OneThatIsAbortedLeavesTheOthersAlone) {
  CompletionAnswer answer(2);
  const auto pieces =
      read(answer, R"({"choices":[{"index":0,"text":"","finish_reason":"abort"},{"index":1,"text":"b"}]})");
  ASSERT_EQ(pieces.size(), 2U);
  ASSERT_TRUE(pieces[0].failure);
  EXPECT_EQ(pieces[0].failure->reason, "backend_broke_off");
  EXPECT_FALSE(pieces[1].failure);
}

TEST(CompletionAnswer, ErrorsSayWhoseTheyAre) {
  const auto code_of = [](const char* event) {
    CompletionAnswer answer(2);
    const auto pieces = answer.read_event(event);
    EXPECT_FALSE(pieces);
    return pieces ? ErrorCode::internal : pieces.error().code;
  };
  EXPECT_EQ(code_of(R"({"error":{"code":400,"message":"too long","type":"exceed_context_size_error"}})"),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(R"({"error":{"message":"bad","type":"invalid_request_error"}})"),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(R"({"error":{"code":500,"message":"out of memory"}})"), ErrorCode::unavailable);
  EXPECT_EQ(code_of(R"({"error":"no"})"), ErrorCode::unavailable);
  EXPECT_EQ(code_of("{{{"), ErrorCode::corrupt);
  EXPECT_EQ(code_of("[1]"), ErrorCode::corrupt);
}

TEST(CompletionAnswer, AnAnswerThatIsNotStreamedIsReadToo) {
  CompletionAnswer answer(2);
  const auto pieces = answer.read_whole(
      R"({"choices":[{"index":1,"text":"b","finish_reason":"stop"},{"index":0,"text":"a","finish_reason":"stop"}]})");
  ASSERT_TRUE(pieces);
  ASSERT_EQ(pieces->size(), 2U);
  EXPECT_EQ((*pieces)[0].prompt, 1U);
  EXPECT_FALSE(CompletionAnswer(1).read_whole("<html>"));
  EXPECT_FALSE(CompletionAnswer(1).read_whole(R"({"choices":7})"));
  EXPECT_EQ(CompletionAnswer(1).read_whole(R"({"error":{"code":400}})").error().code,
            ErrorCode::invalid_argument);
}

TEST(CompletionAnswer, AnyBytesAreSurvived) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    CompletionAnswer answer(2);
    (void)answer.read_event(bytes);
    (void)CompletionAnswer(2).read_whole(bytes);
  }));
}

}  // namespace
}  // namespace sovereign::gateway
