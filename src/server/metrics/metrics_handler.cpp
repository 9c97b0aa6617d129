#include "server/metrics/metrics_handler.h"

#include <algorithm>
#include <memory>

#include "server/metrics/cache_exposition.h"
#include "server/metrics/canary_exposition.h"
#include "server/metrics/engine_exposition.h"
#include "server/metrics/gateway_exposition.h"
#include "server/metrics/process_stats.h"
#include "server/metrics/proof_exposition.h"
#include "server/metrics/quality_exposition.h"
#include "server/metrics/transport_exposition.h"

namespace sovereign::server {
namespace {

asio::awaitable<void> handle_metrics(std::shared_ptr<const MetricsSources> sources, Exchange& exchange) {
  HttpResponse response;
  response.content_type = PrometheusText::kContentType;
  response.body = render_metrics(*sources);
  co_await exchange.respond(std::move(response));
}

}  // namespace

std::string render_metrics(const MetricsSources& sources) {
  PrometheusText text;
  text.begin("sovereign_build_info", PrometheusText::Type::gauge, "Always 1; what runs is in the labels.");
  text.sample(1, {{"version", sources.version}, {"model", sources.model_id()}});
  text.gauge("sovereign_ready", "1 when /readyz says yes by its state; see also the stall.",
             sources.ready.phase() == ReadyState::Phase::ready ? 1 : 0);
  if (const auto engines = sources.engines(); !engines.empty()) {
    engine::EngineMetrics total;
    Duration stalled{};
    for (const auto& [model, engine] : engines) {
      engine->add_metrics(total);
      stalled = std::max(stalled, engine->stalled_for(sources.clock.now()));
    }
    write_engine_metrics(text, total);
    text.gauge("sovereign_engine_stalled_seconds", "Time since a step ended while there is work.",
               std::chrono::duration<double>(stalled).count());
    text.begin("sovereign_model_in_memory", PrometheusText::Type::gauge,
               "1 when the model's weights are in memory.");
    for (const auto& [model, engine] : engines) text.sample(engine->in_memory() ? 1 : 0, {{"model", model}});
  }
  if (sources.cache != nullptr) write_cache_metrics(text, sources.cache->stats());
  if (sources.receipts != nullptr) write_receipt_metrics(text, sources.receipts->stats());
  if (sources.gates != nullptr) write_gate_metrics(text, sources.gates->metrics());
  if (sources.quality != nullptr) write_quality_metrics(text, *sources.quality);
  if (const auto gateway = sources.gateway ? sources.gateway() : nullptr) {
    write_gateway_metrics(text, gateway->view());
  }
  if (sources.canary != nullptr) write_canary_metrics(text, sources.canary->view());
  if (sources.rate_gate != nullptr) {
    text.counter("sovereign_limits_refused_total", "Requests that came too soon: status 429.",
                 static_cast<double>(sources.rate_gate->refused()));
  }
  sources.http.write(text);
  if (const auto* transport = sources.transport ? sources.transport() : nullptr) {
    write_transport_metrics(text, *transport);
  }
  if (const auto stats = read_process_stats()) write_process_stats(text, *stats);
  return text.take();
}

void add_metrics_route(Router& router, MetricsSources sources) {
  auto shared = std::make_shared<const MetricsSources>(std::move(sources));
  router.add("GET", "/metrics", Access::open,
             [shared](Exchange& exchange) { return handle_metrics(shared, exchange); });
}

}  // namespace sovereign::server
