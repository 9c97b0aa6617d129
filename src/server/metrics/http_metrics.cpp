#include "server/metrics/http_metrics.h"

#include <utility>

namespace sovereign::server {
namespace {

// Passes everything on and remembers the status.
class MeteredExchange final : public Exchange {
 public:
  MeteredExchange(Exchange& inner, RouteMetrics& route, const Clock& clock)
      : inner_(inner), route_(route), clock_(clock), began_(clock.now()) {
    route_.begin();
  }
  ~MeteredExchange() override { route_.end(status_, clock_.now() - began_); }
  MeteredExchange(const MeteredExchange&) = delete;
  MeteredExchange& operator=(const MeteredExchange&) = delete;

  const HttpRequest& request() const override { return inner_.request(); }
  asio::any_io_executor executor() const override { return inner_.executor(); }

  asio::awaitable<void> respond(HttpResponse response) override {
    status_ = response.status;
    return inner_.respond(std::move(response));
  }
  asio::awaitable<bool> begin_events(
      std::vector<std::pair<std::string, std::string>> extra_headers) override {
    status_ = 200;
    return inner_.begin_events(std::move(extra_headers));
  }
  asio::awaitable<bool> send_events(std::vector<std::string> payloads) override {
    return inner_.send_events(std::move(payloads));
  }
  asio::awaitable<void> end_events() override { return inner_.end_events(); }
  void on_disconnect(std::function<void()> callback) override { inner_.on_disconnect(std::move(callback)); }

 private:
  Exchange& inner_;
  RouteMetrics& route_;
  const Clock& clock_;
  const Time began_;
  unsigned status_ = kClientClosedRequest;
};

asio::awaitable<void> run_metered(RouteMetrics& route, const Clock& clock, const Handler& handler,
                                  Exchange& exchange) {
  MeteredExchange metered_exchange(exchange, route, clock);
  co_await handler(metered_exchange);
}

}  // namespace

RouteMetrics::RouteMetrics(std::string method, std::string pattern)
    : method_(std::move(method)), pattern_(std::move(pattern)) {}

void RouteMetrics::end(unsigned status, Duration elapsed) noexcept {
  const bool known = status >= kFirstStatus && status < kFirstStatus + kStatuses;
  requests_[known ? status - kFirstStatus : 500 - kFirstStatus].fetch_add(1, std::memory_order_relaxed);
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  seconds_.observe(std::chrono::duration<double>(elapsed).count());
}

std::uint64_t RouteMetrics::requests(unsigned status) const noexcept {
  if (status < kFirstStatus || status >= kFirstStatus + kStatuses) return 0;
  return requests_[status - kFirstStatus].load(std::memory_order_relaxed);
}

RouteMetrics& HttpMetrics::add_route(std::string method, std::string pattern) {
  return routes_.emplace_back(std::move(method), std::move(pattern));
}

void HttpMetrics::write(PrometheusText& text) const {
  text.begin("sovereign_http_requests_total", PrometheusText::Type::counter,
             "HTTP requests answered, by route and status; 499: the client left first.");
  for (const auto& route : routes_) {
    for (unsigned status = 100; status < 600; ++status) {
      const auto count = route.requests(status);
      if (count == 0) continue;
      text.sample(
          static_cast<double>(count),
          {{"method", route.method()}, {"route", route.pattern()}, {"status", std::to_string(status)}});
    }
  }
  text.begin("sovereign_http_requests_in_flight", PrometheusText::Type::gauge,
             "HTTP requests being worked on.");
  for (const auto& route : routes_) {
    text.sample(static_cast<double>(route.in_flight()),
                {{"method", route.method()}, {"route", route.pattern()}});
  }
  text.begin("sovereign_http_request_duration_seconds", PrometheusText::Type::histogram,
             "From the request's end to the answer's end.");
  for (const auto& route : routes_) {
    if (route.seconds().count() == 0) continue;
    text.sample(route.seconds(), {{"method", route.method()}, {"route", route.pattern()}});
  }
}

Handler metered(RouteMetrics& route, const Clock& clock, Handler handler) {
  // The router keeps this function object for as long as requests run, so the coroutine may refer to
  // the captured handler.
  return [&route, &clock, inner = std::make_shared<const Handler>(std::move(handler))](Exchange& exchange) {
    return run_metered(route, clock, *inner, exchange);
  };
}

}  // namespace sovereign::server
