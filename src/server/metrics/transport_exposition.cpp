#include "server/metrics/transport_exposition.h"

#include <array>

namespace sovereign::server {

void write_transport_metrics(PrometheusText& text, const TransportMetrics& metrics) {
  constexpr std::array<std::string_view, 6> kClasses{"", "1xx", "2xx", "3xx", "4xx", "5xx"};
  const auto value = [](const TransportMetrics::Counter& counter) {
    return static_cast<double>(counter.load(std::memory_order_relaxed));
  };
  text.counter("sovereign_http_connections_accepted_total", "Connections accepted.",
               value(metrics.connections_accepted));
  text.gauge("sovereign_http_connections_open", "Connections open now.", value(metrics.connections_open));
  text.begin("sovereign_http_responses_total", PrometheusText::Type::counter,
             "Answers by class of status, those too that no route's handler gave.");
  for (std::size_t i = 1; i < kClasses.size(); ++i) {
    text.sample(value(metrics.responses[i]), {{"class", kClasses[i]}});
  }
  text.counter("sovereign_http_slow_clients_dropped_total", "Clients dropped because they did not read.",
               value(metrics.slow_clients_dropped));
  text.counter("sovereign_http_clients_gone_total", "Clients that left before their answer was complete.",
               value(metrics.clients_gone));
  text.counter("sovereign_http_accept_failures_total", "Connections that could not be accepted.",
               value(metrics.accept_failures));
}

}  // namespace sovereign::server
