#include "server/openai/token_channel.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

namespace sovereign::server::openai {
namespace {

engine::GenerationDelta delta(std::uint32_t choice, std::string text) {
  engine::GenerationDelta out;
  out.choice = choice;
  out.text = std::move(text);
  return out;
}

// Reads until nothing follows; what came is in `text`, per choice.
asio::awaitable<void> read_all(std::shared_ptr<TokenChannel> channel, std::vector<std::string>& text,
                               TokenBatch& last) {
  while (true) {
    auto batch = co_await channel->next();
    for (auto& item : batch.deltas) text.at(item.choice) += item.text;
    const bool over = batch.done || batch.abandoned;
    last = std::move(batch);
    if (over) co_return;
  }
}

class TokenChannelTest : public testing::Test {
 protected:
  void run() {
    asio::co_spawn(io_, read_all(channel_, text_, last_), asio::detached);
    io_.run();
  }

  asio::io_context io_;
  std::shared_ptr<TokenChannel> channel_ = std::make_shared<TokenChannel>(io_.get_executor());
  std::vector<std::string> text_ = std::vector<std::string>(4);
  TokenBatch last_;
};

TEST_F(TokenChannelTest, WhatIsNotThereInTimeIsAFailureAndIsCancelled) {
  channel_->expect(1);
  const auto client = channel_->client(true);
  bool left = false;
  client->on_accepted([&] { left = true; });
  client->on_delta(delta(0, "a part"));
  channel_->end_by(SteadyClock().now() - std::chrono::seconds(1));
  run();
  EXPECT_TRUE(left);
  EXPECT_TRUE(last_.done);
  ASSERT_TRUE(last_.failure);
  EXPECT_EQ(last_.failure->code, ErrorCode::deadline_exceeded);
  client->on_result(std::make_shared<const runtime::SovereignResult>());  // too late, and nobody minds
}

// The client was told 499 for a request that had taken too long.
TEST_F(TokenChannelTest, WhatTheCancelOfALateRequestBringsIsNotTold) {
  channel_->expect(1);
  const auto client = channel_->client(true);
  client->on_accepted([&] { client->on_failure({ErrorCode::cancelled, "The client left.", {}}); });
  channel_->end_by(SteadyClock().now() - std::chrono::seconds(1));
  run();
  ASSERT_TRUE(last_.failure);
  EXPECT_EQ(last_.failure->code, ErrorCode::deadline_exceeded);
}

TEST_F(TokenChannelTest, AnAnswerInTimeKeepsNoTimerWaiting) {
  channel_->expect(1);
  channel_->end_by(SteadyClock().now() + std::chrono::hours(1));
  channel_->client(false)->on_result(std::make_shared<const runtime::SovereignResult>());
  {
    const ChannelGuard guard(channel_);  // as the handler's, when it returns
    asio::co_spawn(io_, read_all(channel_, text_, last_), asio::detached);
    io_.run_one();
  }
  io_.run();  // returns: nothing is left to wait for
  EXPECT_TRUE(last_.result);
}

TEST_F(TokenChannelTest, EverythingArrivesInOrderFromOtherThreads) {
  constexpr int kTokens = 20000;
  channel_->expect(2);
  const auto produce = [](const std::shared_ptr<engine::GenerationSink>& sink) {
    for (int i = 0; i < kTokens; ++i)
      sink->on_delta(
          delta(static_cast<std::uint32_t>(i % 2), std::string(1, static_cast<char>('a' + i % 26))));
    sink->on_done({});
  };
  std::thread first(produce, channel_->sink(0));
  std::thread second(produce, channel_->sink(2));
  run();
  first.join();
  second.join();
  EXPECT_TRUE(last_.done);
  EXPECT_FALSE(last_.abandoned);
  std::vector<std::string> expected(2);
  for (int i = 0; i < kTokens; ++i)
    expected[static_cast<std::size_t>(i % 2)] += static_cast<char>('a' + i % 26);
  EXPECT_EQ(text_[0], expected[0]);
  EXPECT_EQ(text_[1], expected[1]);
  EXPECT_EQ(text_[2], expected[0]);
  EXPECT_EQ(text_[3], expected[1]);
}

TEST_F(TokenChannelTest, TakesWhatCameBeforeItWasRead) {
  channel_->expect(1);
  const auto sink = channel_->sink(1);
  sink->on_delta(delta(0, "a"));
  sink->on_delta(delta(0, "b"));
  sink->on_done({});
  run();
  EXPECT_EQ(text_[1], "ab");
  EXPECT_EQ(last_.summaries.size(), 1u);
  EXPECT_TRUE(last_.done);
}

TEST_F(TokenChannelTest, AbandoningCancelsAndWakes) {
  channel_->expect(1);
  int cancelled = 0;
  channel_->attach([&] { ++cancelled; });
  asio::post(io_, [&] { channel_->abandon(); });
  run();
  EXPECT_TRUE(last_.abandoned);
  EXPECT_EQ(cancelled, 1);
  channel_->abandon();
  EXPECT_EQ(cancelled, 1);
  channel_->attach([&] { ++cancelled; });  // submitted while the client left
  EXPECT_EQ(cancelled, 2);
  const auto sink = channel_->sink(0);
  sink->on_delta(delta(0, "late"));
  sink->on_done({});
}

TEST_F(TokenChannelTest, AClientTooSlowForTheBacklogIsGivenUp) {
  channel_->expect(1);
  channel_->limit_backlog(1000);
  bool cancelled = false;
  channel_->attach([&] { cancelled = true; });
  const auto sink = channel_->sink(0);
  for (int i = 0; i < 100; ++i) sink->on_delta(delta(0, "twenty bytes of text"));
  run();
  EXPECT_TRUE(last_.abandoned);
  EXPECT_TRUE(cancelled);
}

TEST_F(TokenChannelTest, ReadingMakesRoomAgain) {
  channel_->expect(1);
  channel_->limit_backlog(1000);
  const auto sink = channel_->sink(0);
  int sent = 0;
  std::function<void()> send = [&] {
    sink->on_delta(delta(0, "x"));
    if (++sent < 200) {
      asio::post(io_, send);
    } else {
      sink->on_done({});
    }
  };
  asio::post(io_, send);
  run();
  EXPECT_FALSE(last_.abandoned);
  EXPECT_EQ(text_[0].size(), 200u);
}

}  // namespace
}  // namespace sovereign::server::openai
