#include "runtime/standard_pipeline.h"

#include <utility>

#include "runtime/stages/admission.h"
#include "runtime/stages/cache_fill.h"
#include "runtime/stages/cache_lookup.h"
#include "runtime/stages/inference.h"
#include "runtime/stages/seal.h"

namespace sovereign::runtime {

std::shared_ptr<const Pipeline> make_pipeline(PipelineParts parts) {
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<AdmissionStage>(false));
  if (parts.cache != nullptr) {
    stages.push_back(std::make_unique<CacheLookupStage>(*parts.cache, parts.flights));
  }
  stages.push_back(std::make_unique<InferenceStage>());
  if (parts.receipts != nullptr) stages.push_back(std::make_unique<SealStage>(*parts.receipts));
  if (parts.cache != nullptr) stages.push_back(std::make_unique<CacheFillStage>(*parts.cache));
  return Pipeline::create(std::move(stages), parts.clock, std::move(parts.executor));
}

}  // namespace sovereign::runtime
