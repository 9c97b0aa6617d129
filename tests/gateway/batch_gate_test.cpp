#include "gateway/batch_gate.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

namespace sovereign::gateway {
namespace {

using Calls = std::vector<std::vector<BatchGate::Ticket>>;
using std::chrono::milliseconds;

BatchGateConfig config_of(std::uint32_t batch_size, std::uint32_t max_calls = 0) {
  BatchGateConfig config;
  config.window.max_batch_size = batch_size;
  config.max_calls = max_calls;
  return config;
}

class BatchGateTest : public ::testing::Test {
 protected:
  static BatchGate::Waiter waiter(BatchGate::Ticket ticket, std::string key = "k") {
    BatchGate::Waiter waiter;
    waiter.ticket = ticket;
    waiter.key = std::move(key);
    return waiter;
  }
  ManualClock clock_;
};

TEST_F(BatchGateTest, AFullBatchGoesOutAtOnceAsOneCall) {
  BatchGate gate(config_of(3));
  EXPECT_TRUE(gate.add(waiter(1), clock_.now()).calls.empty());
  EXPECT_TRUE(gate.add(waiter(2), clock_.now()).calls.empty());
  EXPECT_EQ(gate.add(waiter(3), clock_.now()).calls, (Calls{{1, 2, 3}}));
  EXPECT_EQ(gate.waiting(), 0U);
  EXPECT_EQ(gate.windows(), 0U) << "a window that is empty is gone";
  EXPECT_EQ(gate.deadline(), std::nullopt);
}

TEST_F(BatchGateTest, ThoseOfOtherKeysDoNotShareAndThoseOfNoneDoNotWait) {
  BatchGate gate(config_of(2));
  EXPECT_TRUE(gate.add(waiter(1, "a"), clock_.now()).calls.empty());
  EXPECT_TRUE(gate.add(waiter(2, "b"), clock_.now()).calls.empty());
  EXPECT_EQ(gate.add(waiter(3, ""), clock_.now()).calls, (Calls{{3}}));
  EXPECT_EQ(gate.windows(), 2U);
  EXPECT_EQ(gate.add(waiter(4, "a"), clock_.now()).calls, (Calls{{1, 4}}));
  clock_.advance(milliseconds(50));
  EXPECT_EQ(gate.due(clock_.now()).calls, (Calls{{2}}));
}

TEST_F(BatchGateTest, WhileTheServerIsBusyTheNextBatchFills) {
  BatchGate gate(config_of(4, 1));
  gate.add(waiter(1), clock_.now());
  clock_.advance(milliseconds(50));
  EXPECT_EQ(gate.due(clock_.now()).calls, (Calls{{1}}));
  gate.add(waiter(2), clock_.now());
  clock_.advance(milliseconds(50));
  EXPECT_TRUE(gate.due(clock_.now()).calls.empty()) << "one call at a time";
  clock_.advance(milliseconds(500));
  for (BatchGate::Ticket ticket = 3; ticket <= 6; ++ticket) {
    EXPECT_TRUE(gate.add(waiter(ticket), clock_.now()).calls.empty());
  }
  EXPECT_EQ(gate.ended().calls, (Calls{{2, 3, 4, 5}}));
  clock_.advance(milliseconds(50));
  EXPECT_TRUE(gate.due(clock_.now()).calls.empty());
  EXPECT_EQ(gate.ended().calls, (Calls{{6}}));
  EXPECT_TRUE(gate.ended().calls.empty());
  EXPECT_EQ(gate.running(), 0U);
}

TEST_F(BatchGateTest, WhoWithdrawsIsInNoCall) {
  BatchGate gate(config_of(4, 1));
  gate.add(waiter(1, ""), clock_.now());
  gate.add(waiter(2), clock_.now());
  gate.add(waiter(3), clock_.now());
  EXPECT_TRUE(gate.withdraw(2)) << "from a window";
  EXPECT_FALSE(gate.withdraw(2));
  EXPECT_FALSE(gate.withdraw(1)) << "it is under way";
  clock_.advance(milliseconds(50));
  gate.due(clock_.now());
  gate.add(waiter(4), clock_.now());
  EXPECT_TRUE(gate.withdraw(4)) << "from the queue";
  EXPECT_TRUE(gate.withdraw(3));
  EXPECT_TRUE(gate.ended().calls.empty()) << "a batch without prompts is no call";
  EXPECT_EQ(gate.running(), 0U);
}

TEST_F(BatchGateTest, WhoHasLittleTimeTakesTheOthersAlong) {
  BatchGate gate(config_of(8));
  gate.add(waiter(1), clock_.now());
  auto hurried = waiter(2);
  hurried.patience = milliseconds(5);
  gate.add(hurried, clock_.now());
  EXPECT_EQ(gate.deadline(), clock_.now() + milliseconds(5));
  clock_.advance(milliseconds(5));
  EXPECT_EQ(gate.due(clock_.now()).calls, (Calls{{1, 2}}));
  hurried.patience = Duration::zero();
  EXPECT_EQ(gate.add(hurried, clock_.now()).calls, (Calls{{2}}));
}

TEST_F(BatchGateTest, WhoseTimeIsOverWaitsNoLonger) {
  BatchGate gate(config_of(8, 1));
  gate.add(waiter(1, ""), clock_.now());
  auto late = waiter(2, "");
  late.expires = clock_.now() + milliseconds(10);
  gate.add(late, clock_.now());
  EXPECT_EQ(gate.deadline(), late.expires);
  clock_.advance(milliseconds(10));
  const auto moves = gate.due(clock_.now());
  EXPECT_EQ(moves.expired, std::vector<BatchGate::Ticket>{2});
  EXPECT_TRUE(moves.calls.empty());
  EXPECT_TRUE(gate.ended().calls.empty());
  EXPECT_EQ(gate.deadline(), std::nullopt);
}

TEST_F(BatchGateTest, WindowsAreBounded) {
  auto config = config_of(8);
  config.max_windows = 2;
  BatchGate gate(config);
  gate.add(waiter(1, "a"), clock_.now());
  gate.add(waiter(2, "b"), clock_.now());
  EXPECT_EQ(gate.add(waiter(3, "c"), clock_.now()).calls, (Calls{{3}}));
  EXPECT_TRUE(gate.add(waiter(4, "a"), clock_.now()).calls.empty());
}

// Whatever comes when: nobody is lost or asked twice, and neither bound is passed.
TEST_F(BatchGateTest, BoundsHoldForAnyCourse) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& steps) {
    ManualClock clock;
    BatchGate gate(config_of(3, 2));
    std::set<BatchGate::Ticket> open;  // waiting, as they should be
    BatchGate::Ticket last = 0;
    const auto check = [&](const BatchGate::Moves& moves) {
      for (const auto& call : moves.calls) {
        RC_ASSERT(!call.empty() && call.size() <= 3U);
        for (const auto ticket : call) RC_ASSERT(open.erase(ticket) == 1U);
      }
      for (const auto ticket : moves.expired) RC_ASSERT(open.erase(ticket) == 1U);
      RC_ASSERT(gate.running() <= 2U);
      RC_ASSERT(gate.waiting() == open.size());
    };
    for (const auto step : steps) {
      if (step % 8 < 4) {
        BatchGate::Waiter next;
        next.ticket = ++last;
        next.key = step % 8 == 0 ? "" : step % 2 == 0 ? "a" : "b";
        if (step > 200) next.expires = clock.now() + milliseconds(step - 200);
        open.insert(last);
        check(gate.add(next, clock.now()));
      } else if (step % 8 == 4) {
        RC_ASSERT(gate.withdraw(last) == (open.erase(last) == 1U));
      } else if (step % 8 == 5 && gate.running() > 0) {
        check(gate.ended());
      } else {
        clock.advance(milliseconds(step % 64));
        check(gate.due(clock.now()));
      }
    }
    clock.advance(std::chrono::seconds(1));
    check(gate.due(clock.now()));
    while (gate.running() > 0) check(gate.ended());
    RC_ASSERT(open.empty());
    RC_ASSERT(gate.windows() == 0U);
  }));
}

}  // namespace
}  // namespace sovereign::gateway
