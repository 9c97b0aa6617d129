#include "server/openai/tally.h"

namespace sovereign::server::openai {

bool is_regular(engine::FinishReason reason) { return engine::is_answer(reason); }

void Tally::add(const TokenBatch& batch) {
  for (const auto& delta : batch.deltas) {
    if (delta.finish && !is_regular(*delta.finish) && !irregular_) irregular_ = delta.finish;
  }
  if (batch.result) usage_ = batch.result->usage;
  if (batch.failure && !failure_) failure_ = batch.failure;
  for (const auto& summary : batch.summaries) {
    usage_.add(summary);
    if (summary.error && !error_) error_ = summary.error;
  }
}

std::optional<ApiFailure> Tally::failure() const {
  if (failure_) return ApiFailure(*failure_);
  if (irregular_) return failure_of(*irregular_, error_);
  if (error_) return ApiFailure(*error_);
  return std::nullopt;
}

}  // namespace sovereign::server::openai
