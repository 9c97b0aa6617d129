// A canary's state as Prometheus metrics.
#pragma once

#include "runtime/canary/trial.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_canary_metrics(PrometheusText& text, const runtime::CanaryView& view);

}  // namespace sovereign::server
