// How often somebody may ask: token buckets, one per key and one for all.
//
// A bucket holds up to `burst` requests and fills by `per_second`. Pure: time comes in. Not thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "base/clock.h"

namespace sovereign::gateway {

struct BucketConfig {
  double per_second = 0;  // 0: no limit
  double burst = 1;       // most at once; at least 1

  bool limits() const { return per_second > 0; }
};

class TokenBucket {
 public:
  // Full at first.
  TokenBucket(const BucketConfig& config, Time now);

  // How long until one request may be made: zero when now.
  Duration wait(Time now) const;
  // Takes one; only when wait() is zero.
  void take(Time now);

 private:
  double level(Time now) const;

  BucketConfig config_;
  double tokens_;
  Time filled_at_;
};

struct RateLimiterConfig {
  BucketConfig per_key;
  BucketConfig global;
  std::size_t max_keys = 10'000;  // known at once; the one that asked longest ago is forgotten
};

// A key's bucket and the common one: a request takes from both or from neither.
class RateLimiter {
 public:
  explicit RateLimiter(const RateLimiterConfig& config) : config_(config) {}

  bool limits() const { return config_.per_key.limits() || config_.global.limits(); }
  // Zero: let in. Else how long to wait before asking again, and nothing was taken.
  Duration admit(std::uint64_t key, Time now);
  std::size_t keys() const { return buckets_.size(); }

 private:
  struct Known {
    TokenBucket bucket;
    std::list<std::uint64_t>::iterator place;
  };
  TokenBucket& bucket_of(std::uint64_t key, Time now);

  RateLimiterConfig config_;
  std::list<std::uint64_t> by_use_;  // latest first
  std::unordered_map<std::uint64_t, Known> buckets_;
  std::list<TokenBucket> global_;  // one, from the first request on
};

}  // namespace sovereign::gateway
