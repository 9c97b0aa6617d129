#include "cache/flight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace sovereign::cache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using TestFlight = Flight<int, std::string>;

TEST(Flight, WaitersGetEveryPieceOnceWheneverTheyJoin) {
  TestFlight flight;
  std::vector<WaiterId> wake;
  const WaiterId first = flight.attach();
  flight.append(1, wake);
  flight.append(2, wake);
  EXPECT_THAT(wake, ElementsAre(first));  // once, until it polls
  const WaiterId second = flight.attach();
  EXPECT_THAT(flight.poll(second).pieces, ElementsAre(1, 2));
  EXPECT_THAT(flight.poll(first).pieces, ElementsAre(1, 2));
  wake.clear();
  flight.append(3, wake);
  EXPECT_THAT(wake, ElementsAre(first, second));
  flight.finish("done", wake);
  EXPECT_THAT(wake, ElementsAre(first, second));
  const auto update = flight.poll(first);
  EXPECT_THAT(update.pieces, ElementsAre(3));
  EXPECT_EQ(update.outcome, "done");
  EXPECT_FALSE(update.lead);
}

TEST(Flight, TheLongestWaitingWaiterInherits) {
  TestFlight flight;
  std::vector<WaiterId> wake;
  const WaiterId leader = flight.attach();
  const WaiterId heir = flight.attach();
  const WaiterId last = flight.attach();
  flight.append(1, wake);
  flight.detach(leader, wake);
  EXPECT_TRUE(flight.has_producer());  // whoever leaves, the work goes on
  flight.poll(heir);
  wake.clear();
  flight.hand_over(wake);
  EXPECT_THAT(wake, ElementsAre(heir));
  EXPECT_FALSE(flight.poll(last).lead);
  EXPECT_TRUE(flight.poll(heir).lead);
  EXPECT_FALSE(flight.poll(heir).lead);
  EXPECT_TRUE(flight.has_producer());
}

TEST(Flight, AnHeirThatLeavesPassesTheOfferOn) {
  TestFlight flight;
  std::vector<WaiterId> wake;
  const WaiterId heir = flight.attach();
  const WaiterId next = flight.attach();
  flight.hand_over(wake);
  wake.clear();
  flight.detach(heir, wake);
  EXPECT_THAT(wake, ElementsAre(next));
  EXPECT_TRUE(flight.poll(next).lead);
  wake.clear();
  flight.detach(next, wake);
  EXPECT_THAT(wake, IsEmpty());
  EXPECT_EQ(flight.waiters(), 0u);
}

// Whatever the order of events: one producer at a time; as long as somebody waits, somebody produces or
// is asked to; every waiter that stays gets all pieces, in order, once.
RC_GTEST_PROP(Flight, NobodyIsForgotten, ()) {
  TestFlight flight;
  std::map<WaiterId, std::vector<int>> received;
  std::map<WaiterId, bool> signalled;
  bool producing = true;
  int next_piece = 0;
  received[flight.attach()] = {};
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  const auto note = [&](const std::vector<WaiterId>& wake) {
    for (const WaiterId id : wake) signalled[id] = true;
  };
  const auto poll = [&](WaiterId id) {
    signalled[id] = false;
    const auto update = flight.poll(id);
    received[id].insert(received[id].end(), update.pieces.begin(), update.pieces.end());
    if (update.lead) {
      RC_ASSERT(!producing);
      producing = true;
    }
  };
  for (const int step : steps) {
    std::vector<WaiterId> wake;
    if (step < 20) {
      received[flight.attach()] = {};
    } else if (step < 55 && producing) {
      flight.append(next_piece++, wake);
    } else if (step < 65 && producing) {
      producing = false;
      flight.hand_over(wake);
    } else if (step < 80 && !received.empty()) {
      poll(std::next(received.begin(), step % static_cast<int>(received.size()))->first);
    } else if (step < 90 && !received.empty()) {
      const WaiterId id = std::next(received.begin(), step % static_cast<int>(received.size()))->first;
      received.erase(id);
      signalled.erase(id);
      flight.detach(id, wake);
    }
    note(wake);
    if (received.empty()) return;  // the flight is over
  }
  // Everyone who was woken polls, until nobody is; then a producer must be there if anyone is.
  for (bool again = true; again;) {
    again = false;
    for (const auto& [id, is_signalled] : std::map(signalled)) {
      if (is_signalled) {
        poll(id);
        again = true;
      }
    }
  }
  RC_ASSERT(producing);
  std::vector<WaiterId> wake;
  flight.finish("end", wake);
  for (auto& [id, pieces] : received) {
    poll(id);
    RC_ASSERT(pieces.size() == static_cast<std::size_t>(next_piece));
    for (int i = 0; i < next_piece; ++i) RC_ASSERT(pieces[static_cast<std::size_t>(i)] == i);
  }
}

}  // namespace
}  // namespace sovereign::cache
