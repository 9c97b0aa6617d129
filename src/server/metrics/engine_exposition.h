// An engine's counters in Prometheus' terms. Names are sovereign_engine_…, base units.
#pragma once

#include "engine/engine_metrics.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_engine_metrics(PrometheusText& text, const engine::EngineMetrics& metrics);

}  // namespace sovereign::server
