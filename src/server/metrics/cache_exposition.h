// The response cache's counters in Prometheus' terms, by level.
#pragma once

#include "cache/response_cache.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_cache_metrics(PrometheusText& text, const cache::ResponseCacheStats& stats);

}  // namespace sovereign::server
