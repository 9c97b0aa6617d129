#include "gateway/token_bucket.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace sovereign::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kStart{std::chrono::hours(1)};

TEST(TokenBucket, GivesItsBurstThenItsRate) {
  TokenBucket bucket({2, 3}, kStart);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(bucket.wait(kStart), Duration::zero());
    bucket.take(kStart);
  }
  const Duration wait = bucket.wait(kStart);
  EXPECT_GE(wait, milliseconds(500));
  EXPECT_LT(wait, milliseconds(501));
  EXPECT_EQ(bucket.wait(kStart + wait), Duration::zero()) << "who waits as told is let in";
}

TEST(TokenBucket, DoesNotFillPastItsBurst) {
  TokenBucket bucket({10, 2}, kStart);
  const Time later = kStart + std::chrono::hours(9);
  bucket.take(later);
  bucket.take(later);
  EXPECT_GT(bucket.wait(later), Duration::zero());
}

// In no stretch of time does a bucket give more than its burst and what flowed in.
TEST(TokenBucket, NeverGivesMoreThanItsRateAllows) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint16_t>& gaps) {
    const BucketConfig config{5, 4};
    TokenBucket bucket(config, kStart);
    Time now = kStart;
    double given = 0;
    for (const auto gap : gaps) {
      now += milliseconds(gap % 700);
      while (bucket.wait(now) == Duration::zero()) {
        bucket.take(now);
        ++given;
      }
      const std::chrono::duration<double> passed = now - kStart;
      RC_ASSERT(given <= config.burst + config.per_second * passed.count() + 1e-6);
    }
  }));
}

TEST(RateLimiter, KeysDoNotShareABucket) {
  RateLimiter limiter({.per_key = {1, 1}});
  EXPECT_EQ(limiter.admit(1, kStart), Duration::zero());
  EXPECT_GT(limiter.admit(1, kStart), Duration::zero());
  EXPECT_EQ(limiter.admit(2, kStart), Duration::zero());
  EXPECT_EQ(limiter.admit(1, kStart + seconds(2)), Duration::zero());
}

TEST(RateLimiter, TheCommonBucketIsForAllAndARefusalTakesNothing) {
  RateLimiter limiter({.per_key = {1, 5}, .global = {1, 2}});
  EXPECT_EQ(limiter.admit(1, kStart), Duration::zero());
  EXPECT_EQ(limiter.admit(2, kStart), Duration::zero());
  for (int i = 0; i < 20; ++i) EXPECT_GT(limiter.admit(1, kStart), Duration::zero());
  // Key 1 has four left of its own: the refusals did not cost it any.
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limiter.admit(1, kStart + seconds(2 * (i + 1))), Duration::zero());
}

TEST(RateLimiter, KnowsABoundedNumberOfKeys) {
  RateLimiter limiter({.per_key = {1, 1}, .max_keys = 3});
  for (std::uint64_t key = 0; key < 100; ++key) limiter.admit(key, kStart);
  EXPECT_EQ(limiter.keys(), 3U);
  EXPECT_GT(limiter.admit(99, kStart), Duration::zero()) << "the latest are remembered";
}

TEST(RateLimiter, WithoutLimitsEverythingPasses) {
  RateLimiter limiter({});
  EXPECT_FALSE(limiter.limits());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limiter.admit(7, kStart), Duration::zero());
  EXPECT_EQ(limiter.keys(), 0U);
}

}  // namespace
}  // namespace sovereign::gateway
