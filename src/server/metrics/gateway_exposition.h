// The gateway's backends in Prometheus' terms, and for /readyz.
#pragma once

#include <string>
#include <vector>

#include "gateway/fleet.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_gateway_metrics(PrometheusText& text, const std::vector<gateway::MemberView>& members);

// [{"name":…,"tier":…,"status":…},…]: what anybody may know.
std::string backends_json(const std::vector<gateway::MemberView>& members);

}  // namespace sovereign::server
