#include "gateway/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace sovereign::gateway {

TokenBucket::TokenBucket(const BucketConfig& config, Time now)
    : config_(config), tokens_(std::max(1.0, config.burst)), filled_at_(now) {}

double TokenBucket::level(Time now) const {
  const std::chrono::duration<double> passed = std::max(now - filled_at_, Duration::zero());
  return std::min(std::max(1.0, config_.burst), tokens_ + passed.count() * config_.per_second);
}

Duration TokenBucket::wait(Time now) const {
  if (!config_.limits()) return Duration::zero();
  const double missing = 1.0 - level(now);
  if (missing <= 0) return Duration::zero();
  // Rounded up, and a nanosecond of slack for the division: who waits as told is let in.
  return Duration(static_cast<Duration::rep>(std::ceil(missing / config_.per_second * 1e9)) + 1);
}

void TokenBucket::take(Time now) {
  tokens_ = level(now) - 1.0;
  filled_at_ = now;
}

TokenBucket& RateLimiter::bucket_of(std::uint64_t key, Time now) {
  if (const auto known = buckets_.find(key); known != buckets_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, known->second.place);
    return known->second.bucket;
  }
  if (buckets_.size() >= std::max<std::size_t>(1, config_.max_keys)) {
    buckets_.erase(by_use_.back());
    by_use_.pop_back();
  }
  by_use_.push_front(key);
  return buckets_.emplace(key, Known{TokenBucket(config_.per_key, now), by_use_.begin()})
      .first->second.bucket;
}

Duration RateLimiter::admit(std::uint64_t key, Time now) {
  if (config_.global.limits() && global_.empty()) global_.emplace_back(config_.global, now);
  TokenBucket* const own = config_.per_key.limits() ? &bucket_of(key, now) : nullptr;
  Duration wait{};
  if (own != nullptr) wait = std::max(wait, own->wait(now));
  for (const TokenBucket& common : global_) wait = std::max(wait, common.wait(now));
  if (wait > Duration::zero()) return wait;
  if (own != nullptr) own->take(now);
  for (TokenBucket& common : global_) common.take(now);
  return Duration::zero();
}

}  // namespace sovereign::gateway
