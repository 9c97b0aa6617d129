#include "server/health/health_routes.h"

#include <fmt/format.h>

#include <utility>

#include "server/metrics/gateway_exposition.h"

namespace sovereign::server {
namespace {

asio::awaitable<void> answer(Exchange& exchange, HttpResponse response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  co_await exchange.respond(std::move(response));
}

HttpResponse gateway_readiness(const gateway::Gateway& gateway) {
  const auto members = gateway.view();
  HttpResponse response;
  response.status = gateway.serves() ? 200 : 503;
  response.body = fmt::format(R"({{"status":"{}","backends":{}}})",
                              response.status == 200 ? "ready" : "no_backend", backends_json(members));
  return response;
}

}  // namespace

HttpResponse readiness(const HealthSources& sources) {
  const auto phase = sources.ready.phase();
  HttpResponse response;
  const auto gateway = sources.gateway ? sources.gateway() : nullptr;
  if (gateway != nullptr && phase != ReadyState::Phase::draining) return gateway_readiness(*gateway);
  if (phase != ReadyState::Phase::ready) {
    response.status = 503;
    response.body = fmt::format(R"({{"status":"{}"}})", to_string(phase));
    return response;
  }
  const auto stalled = sources.stalled_for(sources.clock.now());
  if (stalled > sources.stall_after) {
    const auto seconds = std::chrono::duration<double>(stalled).count();
    response.status = 503;
    response.body = fmt::format(R"({{"status":"stalled","stalled_seconds":{:.1f}}})", seconds);
    return response;
  }
  response.body = R"({"status":"ready"})";
  return response;
}

void add_health_routes(Router& router, HealthSources sources) {
  router.add("GET", "/healthz", Access::open, [](Exchange& exchange) {
    HttpResponse response;
    response.body = R"({"status":"alive"})";
    return answer(exchange, std::move(response));
  });
  router.add("GET", "/readyz", Access::open, [sources = std::move(sources)](Exchange& exchange) {
    return answer(exchange, readiness(sources));
  });
}

}  // namespace sovereign::server
