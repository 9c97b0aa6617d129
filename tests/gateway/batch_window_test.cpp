#include "gateway/batch_window.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace sovereign::gateway {
namespace {

using Batch = BatchWindow::Batch;
using std::chrono::milliseconds;

TEST(BatchWindow, GoesOutWhenFull) {
  ManualClock clock;
  BatchWindow window;
  for (std::uint64_t i = 0; i < 7; ++i) EXPECT_EQ(window.add(i, clock.now()), Batch{});
  EXPECT_EQ(window.add(7, clock.now()), (Batch{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(window.waiting(), 0U);
  EXPECT_EQ(window.deadline(), std::nullopt);
}

TEST(BatchWindow, GoesOutWhenTheFirstHasWaitedLongEnough) {
  ManualClock clock;
  BatchWindow window;
  window.add(1, clock.now());
  clock.advance(milliseconds(30));
  window.add(2, clock.now());
  clock.advance(milliseconds(19));
  EXPECT_EQ(window.due(clock.now()), Batch{});
  clock.advance(milliseconds(1));
  EXPECT_EQ(window.due(clock.now()), (Batch{1, 2}));
}

TEST(BatchWindow, ALateTimerIsNoExcuse) {
  ManualClock clock;
  BatchWindow window;
  window.add(1, clock.now());
  clock.advance(milliseconds(80));
  EXPECT_EQ(window.add(2, clock.now()), (Batch{1, 2}));
}

TEST(BatchWindow, WhoWithdrawsIsNotInTheBatchAndMovesTheDeadline) {
  ManualClock clock;
  BatchWindow window;
  window.add(1, clock.now());
  clock.advance(milliseconds(20));
  window.add(2, clock.now());
  EXPECT_TRUE(window.withdraw(1));
  EXPECT_FALSE(window.withdraw(1));
  EXPECT_EQ(window.deadline(), clock.now() + milliseconds(50));
  clock.advance(milliseconds(50));
  EXPECT_EQ(window.due(clock.now()), Batch{2});
}

TEST(BatchWindow, ABatchOfOneNeverWaits) {
  ManualClock clock;
  BatchWindow window({1, milliseconds(50)});
  EXPECT_EQ(window.add(1, clock.now()), Batch{1});
}

// Under a virtual clock that stops at each deadline: nobody waits longer than told, no batch is too large,
// everybody goes out once.
TEST(BatchWindow, BoundsHoldForAnyArrivals) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& gaps) {
    ManualClock clock;
    BatchWindow window;
    std::map<std::uint64_t, Time> arrived;
    std::uint64_t next = 0;
    std::uint64_t gone = 0;
    const auto check = [&](const Batch& batch) {
      RC_ASSERT(batch.size() <= 8U);
      for (const auto ticket : batch) {
        RC_ASSERT(ticket == gone++);
        RC_ASSERT(clock.now() - arrived[ticket] <= milliseconds(50));
      }
    };
    for (const auto gap : gaps) {
      const Time arrival = clock.now() + milliseconds(gap % 64);
      while (window.deadline() && *window.deadline() <= arrival) {
        clock.advance(*window.deadline() - clock.now());
        check(window.due(clock.now()));
      }
      clock.advance(arrival - clock.now());
      arrived[next] = clock.now();
      check(window.add(next++, clock.now()));
    }
    if (window.deadline()) {
      clock.advance(*window.deadline() - clock.now());
      check(window.due(clock.now()));
    }
    RC_ASSERT(gone == next);
  }));
}

}  // namespace
}  // namespace sovereign::gateway
