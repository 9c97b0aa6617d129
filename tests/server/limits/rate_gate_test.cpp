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
  RateGate gate(kPerKey, clock);
  EXPECT_EQ(gate.admit("a"), Duration::zero());
  EXPECT_EQ(gate.admit("a"), Duration::zero());
  const Duration wait = gate.admit("a");
  EXPECT_GT(wait, Duration::zero());
  EXPECT_LE(wait, 1s + 1ns);  // rounded up: who waits as told is let in
  EXPECT_EQ(gate.admit("b"), Duration::zero());
  EXPECT_EQ(gate.refused(), 1U);
  clock.advance(wait);
  EXPECT_EQ(gate.admit("a"), Duration::zero());
}

TEST(RateGate, WithoutKeysAHeaderMakesNoNewClient) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({.key_requests_per_minute = 1, .key_burst = 1}, clock);
  const Handler handler = rate_limited(&gate, [](Exchange& exchange) { return exchange.respond({}); });
  const auto status = [&](std::string authorization, std::string key_digest) {
    HttpRequest request{.method = "POST", .path = "/"};
    request.headers = {{"Authorization", std::move(authorization)}};
    request.key_digest = std::move(key_digest);
    MemoryExchange exchange(std::move(request));
    exchange.run(handler);
    return exchange.response()->status;
  };
  EXPECT_EQ(status("Bearer a", ""), 200U);
  EXPECT_EQ(status("Bearer b", ""), 429U);
  // Nor does another spelling of a key's header.
  EXPECT_EQ(status("Bearer a", "aa"), 200U);
  EXPECT_EQ(status("bearer   a", "aa"), 429U);
  EXPECT_EQ(status("Bearer b", "bb"), 200U);
}

TEST(RateGate, AllClientsTogetherAreLimitedToo) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({.requests_per_minute = 60, .burst = 1}, clock);
  EXPECT_EQ(gate.admit("a"), Duration::zero());
  EXPECT_GT(gate.admit("b"), Duration::zero());
}

TEST(RateGate, WithoutLimitsEverybodyIsLetIn) {
  ManualClock clock;
  RateGate gate({}, clock);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(gate.admit({}), Duration::zero());
}

TEST(RateGate, NewLimitsHoldFromTheNextRequestOn) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({}, clock);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gate.admit("a"), Duration::zero());
  gate.configure(kPerKey);
  EXPECT_EQ(gate.admit("a"), Duration::zero());
  EXPECT_EQ(gate.admit("a"), Duration::zero());
  EXPECT_GT(gate.admit("a"), Duration::zero());
  gate.configure({});
  EXPECT_EQ(gate.admit("a"), Duration::zero());
}

TEST(RateGate, WhoComesTooSoonGetsStatus429AndATime) {
  ManualClock clock;
  clock.advance(1h);
  RateGate gate({.requests_per_minute = 1, .burst = 1}, clock);
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
