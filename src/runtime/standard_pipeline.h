// The stages that this program runs, in their order.
#pragma once

#include <optional>

#include "cache/lookup_threads.h"
#include "cache/response_cache.h"
#include "cache/single_flight.h"
#include "pci/receipt_issuer.h"
#include "runtime/judging.h"
#include "runtime/pipeline.h"
#include "runtime/quality_metrics.h"
#include "runtime/quality_policy.h"
#include "runtime/reasoning_policy.h"

namespace sovereign::runtime {

struct PipelineParts {
  const Clock& clock;
  Executor executor;
  cache::ResponseCache* cache = nullptr;    // null: nothing is looked up or kept; outlives every run
  cache::LookupThreads* lookups = nullptr;  // null: slow levels are looked into on workers; outlive every run
  cache::SingleFlightConfig flights{};
  std::optional<ReasoningPolicy> reasoning{};  // none: queries that require it are refused
  QualityPolicy quality{.gate = {.mode = omega::GateMode::off}};
  JudgeFinder find_judge{};                   // for QualityPolicy::judge_model; outlives every run
  QualityMetrics* quality_metrics = nullptr;  // null: nobody counts; outlives every run
  // null: no receipts are made, and queries must not ask; outlives every run
  pci::ReceiptIssuer* receipts = nullptr;
  // Of a canary's variant: its name, and a digest of what makes it so; empty: control, or no canary.
  std::string variant{};
  std::string variant_configuration{};
  bool clients_wait = false;  // what clients do with a result may wait for a disk
};

std::shared_ptr<const Pipeline> make_pipeline(PipelineParts parts);

}  // namespace sovereign::runtime
