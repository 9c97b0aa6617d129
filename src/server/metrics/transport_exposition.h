// The transport's counters in Prometheus' terms: connections, and answers of any kind by class of
// status, those too that no handler saw (404, 401, 413, …).
#pragma once

#include "server/http/transport_metrics.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_transport_metrics(PrometheusText& text, const TransportMetrics& metrics);

}  // namespace sovereign::server
