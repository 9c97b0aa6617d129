#include "gateway/circuit_breaker.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace sovereign::gateway {
namespace {

using State = CircuitBreaker::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

Time at(Duration since_start) { return Time(std::chrono::hours(1)) + since_start; }

void fail_times(CircuitBreaker& breaker, int times, Time now) {
  for (int i = 0; i < times; ++i) {
    const auto permit = breaker.admit(now);
    ASSERT_TRUE(permit);
    breaker.failed(*permit, now);
  }
}

TEST(CircuitBreaker, FailuresInARowOpenIt) {
  CircuitBreaker breaker;
  fail_times(breaker, 4, at(seconds(0)));
  EXPECT_EQ(breaker.state(at(seconds(0))), State::closed);
  const auto good = breaker.admit(at(seconds(0)));
  breaker.succeeded(*good, at(seconds(0)));  // the row begins anew
  fail_times(breaker, 5, at(seconds(0)));
  EXPECT_EQ(breaker.state(at(seconds(0))), State::open);
  EXPECT_FALSE(breaker.admits(at(milliseconds(4999))));
  EXPECT_FALSE(breaker.admit(at(milliseconds(4999))));
  EXPECT_EQ(breaker.admits_at(at(seconds(1))), at(seconds(5)));
  EXPECT_EQ(breaker.times_opened(), 1U);
}

TEST(CircuitBreaker, FailuresFarApartAreNotInARow) {
  CircuitBreaker breaker;
  for (int day = 0; day < 10; ++day) fail_times(breaker, 1, at(std::chrono::hours(24 * day)));
  const Time last = at(std::chrono::hours(24 * 9));
  EXPECT_EQ(breaker.state(last), State::closed);
  EXPECT_EQ(breaker.failures_in_a_row(last), 1U);
  EXPECT_EQ(breaker.failures_in_a_row(last + std::chrono::minutes(5)), 1U);
  EXPECT_EQ(breaker.failures_in_a_row(last + std::chrono::minutes(6)), 0U);
  fail_times(breaker, 3, last);
  breaker.forgive(2);
  EXPECT_EQ(breaker.failures_in_a_row(last), 2U);
  breaker.forgive(7);
  EXPECT_EQ(breaker.failures_in_a_row(last), 0U);
}

TEST(CircuitBreaker, AShareOfFailuresOpensItOnceThereAreEnoughCalls) {
  BreakerConfig config;
  config.min_calls = 10;
  CircuitBreaker breaker(config);
  for (int i = 0; i < 9; ++i) {
    const auto permit = breaker.admit(at(seconds(i)));
    ASSERT_TRUE(permit) << i;
    if (i % 2 == 0) {
      breaker.failed(*permit, at(seconds(i)));
    } else {
      breaker.succeeded(*permit, at(seconds(i)));
    }
    EXPECT_EQ(breaker.state(at(seconds(i))), State::closed);
  }
  fail_times(breaker, 1, at(seconds(9)));  // 6 of 10
  EXPECT_EQ(breaker.state(at(seconds(9))), State::open);
}

TEST(CircuitBreaker, FailuresThatLeftTheWindowDoNotCount) {
  BreakerConfig config;
  config.min_calls = 4;
  config.consecutive_failures = 100;
  CircuitBreaker breaker(config);
  fail_times(breaker, 3, at(seconds(0)));
  fail_times(breaker, 3, at(seconds(60)));
  EXPECT_EQ(breaker.state(at(seconds(60))), State::closed);
  fail_times(breaker, 1, at(seconds(60)));
  EXPECT_EQ(breaker.state(at(seconds(60))), State::open);
}

TEST(CircuitBreaker, HalfOpenLetsProbesPassAndClosesAfterEnough) {
  CircuitBreaker breaker;
  fail_times(breaker, 5, at(seconds(0)));
  EXPECT_EQ(breaker.state(at(seconds(5))), State::half_open);
  const auto probe = breaker.admit(at(seconds(5)));
  ASSERT_TRUE(probe);
  EXPECT_FALSE(breaker.admit(at(seconds(5)))) << "one probe at a time";
  breaker.succeeded(*probe, at(seconds(6)));
  EXPECT_EQ(breaker.state(at(seconds(6))), State::half_open);
  const auto second = breaker.admit(at(seconds(6)));
  ASSERT_TRUE(second);
  breaker.succeeded(*second, at(seconds(7)));
  EXPECT_EQ(breaker.state(at(seconds(7))), State::closed);
}

TEST(CircuitBreaker, ARelapseWaitsTwiceAsLongUpToABound) {
  BreakerConfig config;
  config.open_for = seconds(4);
  config.max_open_for = seconds(10);
  CircuitBreaker breaker(config);
  fail_times(breaker, 5, at(seconds(0)));
  fail_times(breaker, 1, at(seconds(4)));
  EXPECT_EQ(breaker.admits_at(at(seconds(4))), at(seconds(12)));
  fail_times(breaker, 1, at(seconds(12)));
  EXPECT_EQ(breaker.admits_at(at(seconds(12))), at(seconds(22)));
}

TEST(CircuitBreaker, ADroppedProbeGivesItsPlaceBack) {
  CircuitBreaker breaker;
  fail_times(breaker, 5, at(seconds(0)));
  const auto probe = breaker.admit(at(seconds(5)));
  breaker.dropped(*probe);
  EXPECT_TRUE(breaker.admits(at(seconds(5))));
  EXPECT_EQ(breaker.state(at(seconds(5))), State::half_open);
}

TEST(CircuitBreaker, WhatBeganBeforeItOpenedDoesNotCloseOrReopenIt) {
  CircuitBreaker breaker;
  const auto old_good = breaker.admit(at(seconds(0)));
  const auto old_bad = breaker.admit(at(seconds(0)));
  fail_times(breaker, 5, at(seconds(0)));
  const auto probe = breaker.admit(at(seconds(5)));
  breaker.succeeded(*old_good, at(seconds(5)));
  breaker.failed(*old_bad, at(seconds(5)));
  EXPECT_EQ(breaker.state(at(seconds(5))), State::half_open);
  EXPECT_FALSE(breaker.admits(at(seconds(5)))) << "the probe is still out";
  breaker.succeeded(*probe, at(seconds(5)));
  EXPECT_TRUE(breaker.admits(at(seconds(5))));
}

TEST(CircuitBreaker, ASuccessorKnowsWhatWasKnownAndWaitsForNoCallOfTheOther) {
  CircuitBreaker breaker;
  const auto early = breaker.admit(at(seconds(0)));
  fail_times(breaker, 3, at(seconds(0)));
  CircuitBreaker second = breaker.successor();
  EXPECT_EQ(second.failures_in_a_row(at(seconds(0))), 3U);
  second.succeeded(*early, at(seconds(0)));
  EXPECT_EQ(second.failures_in_a_row(at(seconds(0))), 3U) << "a call that the other let pass";
  fail_times(second, 2, at(seconds(0)));
  EXPECT_EQ(second.admits_at(at(seconds(1))), at(seconds(5)));
  EXPECT_EQ(breaker.state(at(seconds(0))), State::closed) << "they go their own ways";

  CircuitBreaker third = second.successor();
  EXPECT_FALSE(third.admits(at(seconds(4))));
  EXPECT_EQ(third.times_opened(), 1U);
  ASSERT_TRUE(third.admit(at(seconds(5))));  // the one probe is out
  EXPECT_FALSE(third.admits(at(seconds(5))));
  CircuitBreaker fourth = third.successor();
  EXPECT_EQ(fourth.state(at(seconds(5))), State::half_open);
  EXPECT_TRUE(fourth.admit(at(seconds(5)))) << "nobody would tell it how that probe went";
}

// Whatever happens in whatever order, a broken backend is asked again some day, and never by more than the
// probes allowed while half-open.
TEST(CircuitBreaker, NeverLetsTooManyProbesPassNorStaysOpenForEver) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& script) {
    BreakerConfig config;
    config.probes = 2;
    CircuitBreaker breaker(config);
    Time now = at(seconds(0));
    std::vector<CircuitBreaker::Permit> out;
    std::size_t probes_out = 0;
    std::vector<bool> is_probe;
    for (const auto step : script) {
      now += milliseconds(step * 20);
      if (step % 4 == 0 || out.empty()) {
        const bool half_open = breaker.state(now) == State::half_open;
        if (const auto permit = breaker.admit(now)) {
          out.push_back(*permit);
          is_probe.push_back(half_open);
          if (half_open) ++probes_out;
        }
        if (breaker.state(now) != State::half_open) probes_out = 0;
        RC_ASSERT(probes_out <= 2U);
        continue;
      }
      const auto permit = out.back();
      const bool was_probe = is_probe.back();
      out.pop_back();
      is_probe.pop_back();
      if (step % 4 == 1) breaker.failed(permit, now);
      if (step % 4 == 2) breaker.succeeded(permit, now);
      if (step % 4 == 3) breaker.dropped(permit);
      if (breaker.state(now) != State::half_open) {
        probes_out = 0;
        is_probe.assign(out.size(), false);
      } else if (was_probe && probes_out > 0) {
        --probes_out;
      }
    }
    // Once all that is out came back, time alone is enough.
    for (const auto& permit : out) breaker.dropped(permit);
    RC_ASSERT(breaker.admits(now + config.max_open_for));
  }));
}

}  // namespace
}  // namespace sovereign::gateway
