// Refuses a request that comes too soon, with status 429 and when to ask again.
//
// A client is its API key. Where no keys are configured all are one. Thread-safe; outlives the server's
// handlers.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/clock.h"
#include "gateway/token_bucket.h"
#include "server/exchange.h"
#include "server/limits/limits_config.h"

namespace sovereign::server {

class RateGate {
 public:
  RateGate(const LimitsConfig& config, const Clock& clock);

  // From the next request on; what clients have used is forgotten.
  void configure(const LimitsConfig& config);

  // Zero: let in. Else how long to wait before asking again. `client` is the digest of its key
  // (HttpRequest::key_digest).
  Duration admit(std::string_view client);
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  const Clock& clock_;
  std::mutex mutex_;
  gateway::RateLimiter limiter_;  // guarded by mutex_
  std::atomic<std::uint64_t> refused_{0};
};

// The handler behind the gate; null: as it is.
Handler rate_limited(RateGate* gate, Handler handler);

}  // namespace sovereign::server
