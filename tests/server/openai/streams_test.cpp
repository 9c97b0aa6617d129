// What a client reads from a stream, event by event, for batches as the engine sends them.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "server/openai/chat_stream.h"
#include "server/openai/completion_stream.h"

namespace sovereign::server::openai {
namespace {

namespace json = boost::json;
using engine::FinishReason;

const ResponseHead kHead{"id", 1, "m", "fp"};

engine::GenerationDelta delta(std::uint32_t choice, std::string text,
                              std::optional<FinishReason> finish = {}) {
  engine::GenerationDelta out;
  out.choice = choice;
  out.tokens = 1;
  out.text = std::move(text);
  out.finish = finish;
  return out;
}

TokenBatch batch(std::vector<engine::GenerationDelta> deltas, bool done = false) {
  TokenBatch out;
  out.deltas = std::move(deltas);
  out.done = done;
  if (done) out.summaries.emplace_back();
  return out;
}

json::value choice_of(const std::string& payload) { return json::parse(payload).at("choices").at(0); }

TEST(ChatStream, RoleContentFinishUsageDone) {
  ChatStream stream(kHead, 1, true, false, nullptr);
  const auto first = stream.absorb(batch({delta(0, "He"), delta(0, ""), delta(0, "llo")}));
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(choice_of(first[0]).at("delta").at("role").as_string(), "assistant");
  EXPECT_EQ(choice_of(first[1]).at("delta").at("content").as_string(), "He");
  EXPECT_EQ(choice_of(first[2]).at("delta").at("content").as_string(), "llo");
  const auto last = stream.absorb(batch({delta(0, "!", FinishReason::stop)}, true));
  ASSERT_EQ(last.size(), 4u);
  EXPECT_EQ(choice_of(last[0]).at("delta").at("content").as_string(), "!");
  EXPECT_EQ(choice_of(last[1]).at("finish_reason").as_string(), "stop");
  EXPECT_TRUE(json::parse(last[2]).at("usage").is_object());
  EXPECT_EQ(last[3], "[DONE]");
  EXPECT_FALSE(stream.failure().has_value());
}

TEST(ChatStream, TheLastChunkWaitsForTheScores) {
  ChatStream stream(kHead, 1, false, false, nullptr);
  const auto first = stream.absorb(batch({delta(0, "Hi."), delta(0, "", FinishReason::stop)}));
  ASSERT_EQ(first.size(), 2u) << "role and text";
  auto quality = std::make_shared<runtime::Quality>();
  quality->assessment.score = 0.5;
  auto result = std::make_shared<runtime::SovereignResult>();
  result->choices.emplace_back().quality = quality;
  TokenBatch end;
  end.result = result;
  end.done = true;
  const auto last = stream.absorb(std::move(end));
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(choice_of(last[0]).at("finish_reason").as_string(), "stop");
  EXPECT_EQ(choice_of(last[0]).at("sovereign_quality").at("score").to_number<double>(), 0.5);
  EXPECT_EQ(last[1], "[DONE]");
}

TEST(ChatStream, AnAnswerThatComesAtOnceNamesWhoGaveIt) {
  ChatStream stream(kHead, 1, false, false, nullptr);
  auto result = std::make_shared<runtime::SovereignResult>();
  result->choices.emplace_back().message.content = "Hi.";
  result->model_used = "fallback";
  result->answered_by = std::make_shared<const gateway::BackendIdentity>();
  TokenBatch end;
  end.result = result;
  end.done = true;
  const auto payloads = stream.absorb(std::move(end));
  ASSERT_GE(payloads.size(), 2u);
  for (std::size_t i = 0; i + 1 < payloads.size(); ++i) {
    EXPECT_EQ(json::parse(payloads[i]).at("model").as_string(), "fallback") << payloads[i];
  }
}

TEST(ChatStream, ARefusalHasItsScoresAndAStatusThatIsNotRepeated) {
  ChatStream stream(kHead, 1, false, false, nullptr);
  TokenBatch end;
  end.failure = gateway::Failure(ErrorCode::permission_denied, "it fell short", {}, "quality_gate");
  end.failure->details = R"({"quality":{"score":0.1}})";
  end.done = true;
  EXPECT_EQ(stream.absorb(std::move(end)).size(), 2u);
  ASSERT_TRUE(stream.failure());
  const auto response = to_response(*stream.failure());
  EXPECT_EQ(response.status, 422u);
  const auto error = json::parse(response.body).at("error");
  EXPECT_EQ(error.at("code").as_string(), "quality_gate");
  EXPECT_EQ(error.at("type").as_string(), "answer_refused_error");
  EXPECT_EQ(error.at("details").at("quality").at("score").to_number<double>(), 0.1);
}

// All of it was told when its receipt could not be written: who asked for one must not take it for a good
// end.
TEST(ChatStream, AnAnswerWhoseReceiptFailedHasNoFinish) {
  ChatStream stream(kHead, 2, true, false, nullptr);
  stream.absorb(batch({delta(0, "Hi."), delta(0, "", FinishReason::stop), delta(1, "Ho."),
                       delta(1, "", FinishReason::length)}));
  TokenBatch end;
  end.failure = gateway::Failure(ErrorCode::unavailable, "no receipt", {}, "receipt_failed");
  end.done = true;
  const auto last = stream.absorb(std::move(end));
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(json::parse(last[0]).at("error").at("code").as_string(), "receipt_failed");
  EXPECT_EQ(last[1], "[DONE]");
}

TEST(ChatStream, HeldBackLogprobsComeWithTheNextText) {
  ChatStream stream(kHead, 1, false, true, nullptr);
  auto held = delta(0, "");
  held.logprobs.push_back({{1, "\xE2", -1.0F}, {}});
  auto shown = delta(0, "\xE2\x82\xAC");
  shown.logprobs.push_back({{2, "\x82\xAC", -1.0F}, {}});
  const auto payloads = stream.absorb(batch({held, shown}));
  ASSERT_EQ(payloads.size(), 2u);
  EXPECT_EQ(choice_of(payloads[1]).at("logprobs").at("content").as_array().size(), 2u);
}

TEST(ChatStream, FailureTakesThePlaceOfTheFinish) {
  ChatStream stream(kHead, 2, true, false, nullptr);
  stream.absorb(batch({delta(0, "a"), delta(1, "b")}));
  EXPECT_TRUE(stream.absorb(batch({delta(0, "", FinishReason::error)})).empty());
  auto last_batch = batch({delta(1, "", FinishReason::error)}, true);
  last_batch.summaries[0].error = Error{ErrorCode::internal, "the decode failed", {}};
  const auto last = stream.absorb(last_batch);
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(json::parse(last[0]).at("error").at("message").as_string(), "the decode failed");
  EXPECT_EQ(last[1], "[DONE]");
  ASSERT_TRUE(stream.failure().has_value());
}

TEST(ChatStream, ADeadlineBeforeAnyTokenLeavesNothingToSendButTheFailure) {
  ChatStream stream(kHead, 1, false, false, nullptr);
  const auto payloads = stream.absorb(batch({delta(0, "", FinishReason::deadline)}, true));
  EXPECT_EQ(payloads.size(), 2u);
  ASSERT_TRUE(stream.failure().has_value());
  const auto response = to_response(*stream.failure());
  EXPECT_EQ(response.status, 504u);
  EXPECT_EQ(response.headers.back().first, "x-should-retry");
}

TEST(CompletionStream, EchoComesFirstAndChoicesKeepTheirIndex) {
  CompletionStream stream(kHead, {"P: ", ""}, false, false);
  const auto payloads =
      stream.absorb(batch({delta(0, ""), delta(1, "b"), delta(0, "a", FinishReason::length)}, true));
  ASSERT_EQ(payloads.size(), 4u);
  EXPECT_EQ(choice_of(payloads[0]).at("text").as_string(), "P: ");
  EXPECT_EQ(choice_of(payloads[1]).at("index").as_int64(), 1);
  EXPECT_EQ(choice_of(payloads[2]).at("text").as_string(), "a");
  EXPECT_EQ(choice_of(payloads[2]).at("finish_reason").as_string(), "length");
  EXPECT_EQ(payloads[3], "[DONE]");
}

TEST(CompletionStream, TextOffsetsGoOn) {
  CompletionStream stream(kHead, {""}, false, true);
  auto first = delta(0, "\xC3\xA9");
  first.logprobs.push_back({{1, "\xC3\xA9", -1.0F}, {}});
  auto second = delta(0, "x");
  second.logprobs.push_back({{2, "x", -1.0F}, {}});
  const auto payloads = stream.absorb(batch({first, second}));
  ASSERT_EQ(payloads.size(), 2u);
  EXPECT_EQ(choice_of(payloads[1]).at("logprobs").at("text_offset").at(0).as_int64(), 1);
}

}  // namespace
}  // namespace sovereign::server::openai
