#include "gateway/concurrency_limit.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

namespace sovereign::gateway {
namespace {

using Verdict = ConcurrencyLimit::Verdict;

TEST(ConcurrencyLimit, AdmitsThenQueuesThenRefuses) {
  ConcurrencyLimit limit(2, 1);
  EXPECT_EQ(limit.enter(1), Verdict::admitted);
  EXPECT_EQ(limit.enter(2), Verdict::admitted);
  EXPECT_EQ(limit.enter(3), Verdict::queued);
  EXPECT_EQ(limit.enter(4), Verdict::refused);
  EXPECT_EQ(limit.leave(), 3U);
  EXPECT_EQ(limit.running(), 2U);
  EXPECT_EQ(limit.leave(), std::nullopt);
  EXPECT_EQ(limit.running(), 1U);
}

TEST(ConcurrencyLimit, WhoWithdrawsIsPassedOver) {
  ConcurrencyLimit limit(1, 4);
  limit.enter(1);
  limit.enter(2);
  limit.enter(3);
  EXPECT_TRUE(limit.withdraw(2));
  EXPECT_FALSE(limit.withdraw(2));
  EXPECT_FALSE(limit.withdraw(1)) << "it runs";
  EXPECT_EQ(limit.leave(), 3U);
}

TEST(ConcurrencyLimit, ZeroIsNoLimit) {
  ConcurrencyLimit limit(0, 0);
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(limit.enter(i), Verdict::admitted);
}

TEST(ConcurrencyLimit, NeverExceedsItsLimitAndLosesNobody) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& script) {
    ConcurrencyLimit limit(3, 5);
    std::set<std::uint64_t> running;
    std::set<std::uint64_t> waiting;
    std::uint64_t next = 1;
    for (const auto step : script) {
      if (step % 3 == 0) {
        const bool full = running.size() == 3 && waiting.size() == 5;
        const auto verdict = limit.enter(next);
        if (verdict == Verdict::admitted) running.insert(next);
        if (verdict == Verdict::queued) waiting.insert(next);
        RC_ASSERT((verdict == Verdict::refused) == full);
        ++next;
      } else if (step % 3 == 1 && !running.empty()) {
        running.erase(running.begin());
        const auto admitted = limit.leave();
        RC_ASSERT(admitted.has_value() == !waiting.empty());
        if (admitted) {
          RC_ASSERT(*admitted == *waiting.begin());  // first come, first served
          waiting.erase(*admitted);
          running.insert(*admitted);
        }
      } else if (step % 3 == 2 && !waiting.empty()) {
        const auto ticket = *waiting.rbegin();
        RC_ASSERT(limit.withdraw(ticket));
        waiting.erase(ticket);
      }
      RC_ASSERT(limit.running() == running.size());
      RC_ASSERT(limit.queued() == waiting.size());
      RC_ASSERT(limit.running() <= 3U);
    }
  }));
}

}  // namespace
}  // namespace sovereign::gateway
