// The stage `inference`: the model answers; tokens go to the client as they come.
#pragma once

#include <optional>

#include "engine/generation.h"
#include "gateway/failure.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

// Why an answer that ended this way is none; nothing for stop and length.
std::optional<gateway::Failure> failure_of(engine::FinishReason finish, const std::optional<Error>& error);

struct InferenceOptions {
  bool log_likelihoods = false;  // asks for them, as evidence of quality
  bool hold_back = false;        // the client is told nothing: whether it gets the answer is decided later
  // What follows a short answer of another server is done on the thread that it comes in by; a change of
  // threads would take longer.
  bool finish_at_once = false;
};

class InferenceStage final : public Stage {
 public:
  explicit InferenceStage(InferenceOptions options = {}) : options_(options) {}
  std::string_view name() const override { return "inference"; }
  void enter(const QueryRunPtr& run) override;

 private:
  const InferenceOptions options_;
};

}  // namespace sovereign::runtime
