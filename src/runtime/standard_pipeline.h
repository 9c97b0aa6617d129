// The stages that this program runs, in their order.
#pragma once

#include "cache/response_cache.h"
#include "cache/single_flight.h"
#include "pci/receipt_issuer.h"
#include "runtime/pipeline.h"

namespace sovereign::runtime {

struct PipelineParts {
  const Clock& clock;
  Executor executor;
  cache::ResponseCache* cache = nullptr;  // null: nothing is looked up or kept; outlives every run
  cache::SingleFlightConfig flights{};
  pci::ReceiptIssuer* receipts =
      nullptr;  // null: none are made, and queries must not ask; outlives every run
};

std::shared_ptr<const Pipeline> make_pipeline(PipelineParts parts);

}  // namespace sovereign::runtime
