// Requests by route and status, and how long they took. Counting takes no lock.
//
//   auto& route = metrics.add_route("POST", "/v1/completions");
//   router.add("POST", "/v1/completions", Access::key, metered(route, clock, handler));
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

#include "base/clock.h"
#include "base/histogram.h"
#include "server/exchange.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

// Counted when the client left before there was an answer (nginx's number for it).
inline constexpr unsigned kClientClosedRequest = 499;

class RouteMetrics {
 public:
  RouteMetrics(std::string method, std::string pattern);

  // Thread-safe.
  void begin() noexcept { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void end(unsigned status, Duration elapsed) noexcept;

  const std::string& method() const { return method_; }
  const std::string& pattern() const { return pattern_; }
  std::uint64_t requests(unsigned status) const noexcept;
  std::int64_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }
  const Histogram& seconds() const { return seconds_; }

 private:
  static constexpr unsigned kFirstStatus = 100;
  static constexpr unsigned kStatuses = 500;  // what is outside counts as 500

  std::string method_;
  std::string pattern_;
  std::array<std::atomic<std::uint64_t>, kStatuses> requests_{};
  std::atomic<std::int64_t> in_flight_{0};
  Histogram seconds_{Histogram::latency()};
};

// Routes are added before the server starts and live as long as this does.
class HttpMetrics {
 public:
  RouteMetrics& add_route(std::string method, std::string pattern);
  void write(PrometheusText& text) const;

 private:
  std::deque<RouteMetrics> routes_;  // a deque: references stay valid
};

// Counts what the handler answers, and for how long it worked. Both references outlive the handler.
Handler metered(RouteMetrics& route, const Clock& clock, Handler handler);

}  // namespace sovereign::server
