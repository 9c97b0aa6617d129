// The quality gate's counters in Prometheus' terms.
#pragma once

#include "runtime/quality_metrics.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_quality_metrics(PrometheusText& text, const runtime::QualityMetrics& metrics);

}  // namespace sovereign::server
