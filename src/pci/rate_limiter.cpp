#include "pci/rate_limiter.h"

#include <algorithm>

namespace sovereign::pci {

RateLimiter::RateLimiter(const RateLimit& limit, std::size_t most_clients)
    : limit_{limit.per_second, limit.per_second > 0 ? std::max(1.0, limit.burst) : 0},
      sets_(limit.per_second > 0 ? std::max<std::size_t>(1, most_clients / kWays) : 0) {}

double RateLimiter::tokens_at(const Bucket& bucket, std::uint64_t now_ms) const noexcept {
  const std::uint64_t passed_ms = now_ms - std::min(now_ms, bucket.filled_ms);
  return std::min(limit_.burst, bucket.tokens + static_cast<double>(passed_ms) * limit_.per_second / 1000);
}

bool RateLimiter::admit(ClientId client, std::uint64_t now_ms) noexcept {
  if (sets_.empty()) return true;
  // Neighbouring numbers, such as addresses, are spread by a multiplication (Knuth, TAOCP 3, 6.4).
  Set& set = sets_[(client * 0x9E3779B97F4A7C15) % sets_.size()];
  const std::lock_guard lock(set.mutex);
  Bucket* place = nullptr;
  double most_tokens = -1;
  for (Bucket& bucket : set.buckets) {
    if (bucket.tokens >= 0 && bucket.client == client) {
      place = &bucket;
      break;
    }
    const double tokens = bucket.tokens < 0 ? limit_.burst + 1 : tokens_at(bucket, now_ms);
    if (tokens > most_tokens) {
      most_tokens = tokens;
      place = &bucket;
    }
  }
  if (place->tokens < 0 || place->client != client) *place = {client, limit_.burst, now_ms};
  place->tokens = tokens_at(*place, now_ms);
  place->filled_ms = std::max(place->filled_ms, now_ms);
  if (place->tokens < 1) return false;
  place->tokens -= 1;
  return true;
}

}  // namespace sovereign::pci
