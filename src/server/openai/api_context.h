// What every handler of the API needs.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cache/response_cache.h"
#include "pci/gate_chain.h"
#include "pci/receipt_issuer.h"
#include "runtime/canary/overlay.h"
#include "runtime/canary/trial.h"
#include "runtime/receipt_mode.h"
#include "server/limits/rate_gate.h"
#include "server/metrics/http_metrics.h"
#include "server/openai/api_failure.h"
#include "server/openai/chat_memo.h"
#include "server/openai/pipeline_slot.h"
#include "server/openai/served_model.h"
#include "server/openai/token_channel.h"
#include "server/server_config.h"
#include "server/worker_pool.h"

namespace sovereign::server::openai {

// What the server has for those who ask for a receipt.
struct ReceiptService {
  runtime::ReceiptMode mode = runtime::ReceiptMode::off;
  pci::ReceiptIssuer* issuer = nullptr;  // null: none are made, and `why_none` tells clients why
  std::string why_none = "receipts.mode is off";
};

// The gates before signed queries.
struct EnvelopeService {
  pci::GateChain* gates = nullptr;  // null: no envelopes are taken
  bool required = false;            // and nothing else is
};

// A variant on trial: whom it may answer, and how (docs/canary.md).
struct Canary {
  std::shared_ptr<runtime::CanaryTrial> trial;
  runtime::CanaryOverlay overlay;
  std::shared_ptr<const runtime::Pipeline> pipeline;  // the variant's
  std::vector<std::string> models;  // names of models whose queries take part; empty: see takes_part()
  bool by_client = false;           // clients are assigned, not queries
};

// The references outlive the server. Handlers keep the context alive.
struct ApiContext {
  ServingSlot& serving;
  WorkerPool& workers;
  const Clock& clock;
  HttpMetrics& http_metrics;
  ServerConfig config;
  const PipelineSlot& pipeline;
  cache::ResponseCache* cache = nullptr;  // null: no response cache
  ChatMemo* memo = nullptr;               // with the cache
  ReceiptService receipts{};
  EnvelopeService envelopes{};
  bool shares_cache = false;                       // cached answers are kept on another machine too
  RateGate* rate_gate = nullptr;                   // null: no limits
  std::shared_ptr<const Canary> canary = nullptr;  // null: none
};

using ApiContextPtr = std::shared_ptr<const ApiContext>;

// The served model that goes by `name` (or the first, when that is empty, "auto" or a tier's).
outcome<std::shared_ptr<const ServedModel>> find_model(const Serving& serving, const std::string& name);

// When an answer must be there: after the client's own timeout, or the server's, whichever comes first.
std::optional<Time> deadline_of(const ApiContext& api, std::optional<std::chrono::milliseconds> timeout);

// Unix seconds.
std::int64_t unix_now();

}  // namespace sovereign::server::openai
