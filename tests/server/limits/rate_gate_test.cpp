#include "server/limits/rate_gate.h"

#include <gtest/gtest.h>

#include "server/router.h"
#include "support/memory_exchange.h"

namespace sovereign::server {
namespace {

using namespace std::chrono_literals;

constexpr LimitsConfig kPerKey{.key_requests_per_minute = 60, .key_burst = 2};

TEST(RateGate, AClientIsItsKey) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate(kPerKey, true, clock);
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  const Duration wait = gate.admit("Bearer a");
  EXPECT_GT(wait, Duration::zero());
  EXPECT_LE(wait, 1s + 1ns);  // rounded up: who waits as told is let in
  EXPECT_EQ(gate.admit("Bearer b"), Duration::zero());
  EXPECT_EQ(gate.refused(), 1U);
  clock.advance(wait);
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
}

TEST(RateGate, WithoutKeysAHeaderMakesNoNewClient) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate(kPerKey, false, clock);
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  EXPECT_EQ(gate.admit("Bearer b"), Duration::zero());
  EXPECT_GT(gate.admit("Bearer c"), Duration::zero());
}

TEST(RateGate, AllClientsTogetherAreLimitedToo) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({.requests_per_minute = 60, .burst = 1}, true, clock);
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  EXPECT_GT(gate.admit("Bearer b"), Duration::zero());
}

TEST(RateGate, WithoutLimitsEverybodyIsLetIn) {
  ManualClock clock;
  RateGate gate({}, false, clock);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(gate.admit({}), Duration::zero());
}

TEST(RateGate, NewLimitsHoldFromTheNextRequestOn) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({}, true, clock);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  gate.configure(kPerKey);
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
  EXPECT_GT(gate.admit("Bearer a"), Duration::zero());
  gate.configure({});
  EXPECT_EQ(gate.admit("Bearer a"), Duration::zero());
}

TEST(RateGate, WhoComesTooSoonGetsStatus429AndATime) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({.requests_per_minute = 1, .burst = 1}, true, clock);
  const Handler handler = rate_limited(&gate, [](Exchange& exchange) { return exchange.respond({}); });
  MemoryExchange first({.method = "POST", .path = "/"});
  first.run(handler);
  EXPECT_EQ(first.response()->status, 200U);
  MemoryExchange second({.method = "POST", .path = "/"});
  second.run(handler);
  ASSERT_TRUE(second.response());
  EXPECT_EQ(second.response()->status, 429U);
  bool told = false;  // a minute and a nanosecond, in whole seconds
  for (const auto& [name, value] : second.response()->headers) told |= name == "Retry-After" && value == "61";
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace sovereign::server
