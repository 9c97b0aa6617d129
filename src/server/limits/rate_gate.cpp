#include "server/limits/rate_gate.h"

#include <functional>
#include <memory>
#include <utility>

#include "server/api_error.h"

namespace sovereign::server {
namespace {

gateway::BucketConfig bucket(std::uint32_t per_minute, std::uint32_t burst) {
  return {static_cast<double>(per_minute) / 60.0, static_cast<double>(burst)};
}

gateway::RateLimiterConfig limiter_config(const LimitsConfig& config) {
  gateway::RateLimiterConfig limiter;
  limiter.global = bucket(config.requests_per_minute, config.burst);
  limiter.per_key = bucket(config.key_requests_per_minute, config.key_burst);
  return limiter;
}

asio::awaitable<void> pass(RateGate& gate, const Handler& handler, Exchange& exchange) {
  const Duration wait = gate.admit(exchange.request().key_digest);
  if (wait == Duration::zero()) co_return co_await handler(exchange);
  auto response = error_response(429, "Too many requests; ask again after the time in Retry-After.",
                                 "rate_limit_exceeded");
  response.headers.emplace_back("Retry-After",
                                std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
  co_await exchange.respond(std::move(response));
}

}  // namespace

RateGate::RateGate(const LimitsConfig& config, const Clock& clock)
    : clock_(clock), limiter_(limiter_config(config)) {}

void RateGate::configure(const LimitsConfig& config) {
  const std::lock_guard lock(mutex_);
  limiter_ = gateway::RateLimiter(limiter_config(config));
}

Duration RateGate::admit(std::string_view client) {
  const std::uint64_t bucket = std::hash<std::string_view>{}(client);
  const std::lock_guard lock(mutex_);
  const Duration wait = limiter_.admit(bucket, clock_.now());
  if (wait != Duration::zero()) refused_.fetch_add(1, std::memory_order_relaxed);
  return wait;
}

Handler rate_limited(RateGate* gate, Handler handler) {
  if (gate == nullptr) return handler;
  // The router keeps this function object for as long as requests run.
  return [gate, inner = std::make_shared<const Handler>(std::move(handler))](Exchange& exchange) {
    return pass(*gate, *inner, exchange);
  };
}

}  // namespace sovereign::server
