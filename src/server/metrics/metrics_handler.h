// GET /metrics. Reads counters only: it answers while the engine is busy.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cache/response_cache.h"
#include "engine/inference_engine.h"
#include "gateway/gateway.h"
#include "pci/gate_chain.h"
#include "pci/receipt_issuer.h"
#include "runtime/canary/trial.h"
#include "runtime/quality_metrics.h"
#include "server/health/ready_state.h"
#include "server/http/transport_metrics.h"
#include "server/limits/rate_gate.h"
#include "server/metrics/http_metrics.h"
#include "server/router.h"

namespace sovereign::server {

// The references outlive the server.
struct MetricsSources {
  // All engines, by their models' names; none while the first model loads.
  std::function<std::vector<std::pair<std::string, std::shared_ptr<const engine::InferenceEngine>>>()>
      engines;
  const HttpMetrics& http;
  const ReadyState& ready;
  const Clock& clock;
  std::string version;
  std::function<std::string()> model_id;  // of the first model; gives an empty text without one
  // The transport's counters, or null before the server has started; may be left empty.
  std::function<const TransportMetrics*()> transport = {};
  const cache::ResponseCache* cache = nullptr;       // null: none
  const pci::ReceiptIssuer* receipts = nullptr;      // null: none
  const pci::GateChain* gates = nullptr;             // null: none
  const runtime::QualityMetrics* quality = nullptr;  // null: answers are not assessed
  // The gateway, or null without one; may be left empty.
  std::function<std::shared_ptr<const gateway::Gateway>()> gateway = {};
  const runtime::CanaryTrial* canary = nullptr;  // null: none
  const RateGate* rate_gate = nullptr;           // null: no limits
};

std::string render_metrics(const MetricsSources& sources);

// No key needed: the listener is loopback unless told otherwise.
void add_metrics_route(Router& router, MetricsSources sources);

}  // namespace sovereign::server
