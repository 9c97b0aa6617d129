#include "runtime/standard_pipeline.h"

#include <utility>

#include "runtime/stages/admission.h"
#include "runtime/stages/cache_fill.h"
#include "runtime/stages/cache_lookup.h"
#include "runtime/stages/inference.h"
#include "runtime/stages/quality.h"
#include "runtime/stages/reasoning.h"
#include "runtime/stages/seal.h"

namespace sovereign::runtime {

std::shared_ptr<const Pipeline> make_pipeline(PipelineParts parts) {
  const QualityPolicy& quality = parts.quality;
  AnswerPolicy policy{policy_text(quality), parts.reasoning ? policy_text(*parts.reasoning) : std::string(),
                      std::move(parts.variant), std::move(parts.variant_configuration), quality.retries()};
  const bool waits = parts.clients_wait || parts.receipts != nullptr || quality.judge ||
                     (parts.cache != nullptr && parts.cache->has_levels());
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<AdmissionStage>(parts.reasoning.has_value()));
  if (parts.cache != nullptr) {
    stages.push_back(std::make_unique<CacheLookupStage>(*parts.cache, parts.flights, parts.lookups));
  }
  if (parts.reasoning) stages.push_back(std::make_unique<ReasoningStage>(*parts.reasoning));
  stages.push_back(std::make_unique<InferenceStage>(
      InferenceOptions{quality.assesses() && quality.likelihood, quality.holds_back(), !waits}));
  if (quality.assesses()) {
    stages.push_back(
        std::make_unique<QualityStage>(quality, std::move(parts.find_judge), parts.quality_metrics));
  }
  if (parts.cache != nullptr) stages.push_back(std::make_unique<CacheFillStage>(*parts.cache));
  if (parts.receipts != nullptr) stages.push_back(std::make_unique<SealStage>(*parts.receipts));
  return Pipeline::create(std::move(stages), parts.clock, std::move(parts.executor), std::move(policy),
                          waits);
}

}  // namespace sovereign::runtime
