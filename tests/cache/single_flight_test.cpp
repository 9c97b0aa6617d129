#include "cache/single_flight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "bell.h"
#include "cache_support.h"

namespace sovereign::cache {
namespace {

using ::testing::ElementsAre;
using TestFlights = SingleFlight<std::string, std::string>;

void ignore() {}

TEST(SingleFlight, TheFirstLeadsTheOthersFollow) {
  TestFlights flights;
  const std::string encoding = encoding_of(1);
  auto leader = flights.join(key_of(encoding), ignore);
  auto follower = flights.join(key_of(encoding), ignore);
  auto stranger = flights.join(key_of(encoding_of(2)), ignore);
  ASSERT_TRUE(leader->producer.has_value());
  EXPECT_FALSE(follower->producer.has_value());
  EXPECT_TRUE(stranger->producer.has_value());
  EXPECT_EQ(flights.flights(), 2u);
  EXPECT_EQ(leader->producer->append("a"), TestFlights::Appended::wanted);
  auto late = flights.join(key_of(encoding), ignore);
  EXPECT_THAT(late->waiter.poll().pieces, ElementsAre("a"));
  leader->producer->append("b");
  leader->producer->finish("end");
  EXPECT_EQ(flights.flights(), 1u);
  EXPECT_THAT(late->waiter.poll().pieces, ElementsAre("b"));
  const auto update = follower->waiter.poll();
  EXPECT_THAT(update.pieces, ElementsAre("a", "b"));
  EXPECT_EQ(update.outcome, "end");
  EXPECT_TRUE(flights.join(key_of(encoding), ignore)->producer.has_value());  // a new flight
}

TEST(SingleFlight, OneHashTwoQueriesDoNotShare) {
  TestFlights flights;
  auto mine = flights.join(QueryKey({1, 2}, "mine"), ignore);
  auto theirs = flights.join(QueryKey({1, 2}, "theirs"), ignore);
  EXPECT_TRUE(theirs->producer.has_value());
}

TEST(SingleFlight, WorkGoesOnWhenTheLeadersClientLeaves) {
  TestFlights flights;
  auto leader = flights.join(key_of("q"), ignore);
  auto follower = flights.join(key_of("q"), ignore);
  bool abandoned = false;
  leader->producer->on_abandoned([&] { abandoned = true; });
  { TestFlights::Waiter leaving = std::move(leader->waiter); }
  EXPECT_EQ(leader->producer->append("a"), TestFlights::Appended::wanted);
  EXPECT_FALSE(abandoned);
  { TestFlights::Waiter leaving = std::move(follower->waiter); }
  EXPECT_TRUE(abandoned);
  EXPECT_EQ(leader->producer->append("b"), TestFlights::Appended::abandoned);
  EXPECT_EQ(flights.flights(), 0u);
  bool abandoned_late = false;
  leader->producer->on_abandoned([&] { abandoned_late = true; });
  EXPECT_TRUE(abandoned_late);
}

TEST(SingleFlight, ADeadProducerIsReplacedByAWaiter) {
  TestFlights flights;
  auto leader = flights.join(key_of("q"), ignore);
  Bell bell;
  auto follower = flights.join(key_of("q"), bell.ringer());
  leader->producer->append("a");
  { TestFlights::Waiter leaving = std::move(leader->waiter); }
  leader->producer.reset();
  bell.wait();
  auto update = follower->waiter.poll();
  ASSERT_TRUE(update.producer.has_value());
  EXPECT_THAT(update.pieces, ElementsAre("a"));
  EXPECT_THAT(update.producer->produced_so_far(), ElementsAre("a"));
  update.producer->append("b");
  update.producer->finish("end");
  const auto last = follower->waiter.poll();
  EXPECT_THAT(last.pieces, ElementsAre("b"));
  EXPECT_EQ(last.outcome, "end");
}

TEST(SingleFlight, BoundsAreKept) {
  TestFlights flights({.max_flights = 1, .max_waiters = 2, .max_pieces = 1});
  auto leader = flights.join(key_of("q"), ignore);
  auto follower = flights.join(key_of("q"), ignore);
  EXPECT_EQ(flights.join(key_of("q"), ignore).error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(flights.join(key_of("r"), ignore).error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(leader->producer->append("a"), TestFlights::Appended::wanted);
  EXPECT_EQ(leader->producer->append("b"), TestFlights::Appended::full);
  leader->producer->finish("too long");
  EXPECT_THAT(follower->waiter.poll().pieces, ElementsAre("a"));
}

TEST(SingleFlight, CallbacksMayCallBackIn) {
  TestFlights flights;
  std::optional<TestFlights::Joined> follower;
  auto leader = flights.join(key_of("q"), ignore);
  follower.emplace(*flights.join(key_of("q"), [&] { follower.reset(); }));
  leader->producer->append("a");  // the follower leaves from inside its wake
  EXPECT_FALSE(follower.has_value());
  EXPECT_EQ(leader->producer->append("b"), TestFlights::Appended::wanted);
}

// 64 clients, some of which leave mid-way, among them producers: everyone who stays gets the whole text.
TEST(SingleFlight, ThreadsShareOneFlightWhoeverLeaves) {
  constexpr int kClients = 16;
  constexpr std::size_t kPieces = 50;
  for (int round = 0; round < 30; ++round) {
    TestFlights flights;
    std::atomic<int> wrong{0};
    std::barrier start(kClients);
    std::vector<std::jthread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        start.arrive_and_wait();
        Bell bell;
        auto joined = flights.join(key_of("q"), bell.ringer());
        std::string text;
        std::optional<TestFlights::Producer> producer = std::move(joined->producer);
        for (;;) {
          if (producer) {
            const std::size_t done = producer->produced_so_far().size();
            if (client % 3 == 0 && done > 10 + static_cast<std::size_t>(client)) return;  // dies at work
            if (done == kPieces) {
              producer->finish("end");
              producer.reset();
            } else {
              producer->append(std::to_string(done) + " ");
            }
          } else {
            bell.wait();
          }
          auto update = joined->waiter.poll();
          for (const std::string& piece : update.pieces) text += piece;
          if (update.producer) producer = std::move(update.producer);
          if (update.outcome) break;
          if (client % 5 == 4 && text.size() > 40) return;  // its client went away
        }
        std::string expected;
        for (std::size_t i = 0; i < kPieces; ++i) expected += std::to_string(i) + " ";
        if (text != expected) ++wrong;
      });
    }
    clients.clear();
    ASSERT_EQ(wrong, 0) << "round " << round;
    ASSERT_EQ(flights.flights(), 0u);
  }
}

}  // namespace
}  // namespace sovereign::cache
