// The stage `reasoning`: a graph of thoughts (reasoning/reasoner.h) before the answer, for queries that ask
// for one.
//
// The thoughts of a level are generations of their own at the same time, which share their prompts' beginning
// in the engine; no thread waits for them. The best thought then stands in the conversation that inference
// continues, so that the answer itself still streams and keeps its format.
//
// A query that requires reasoning and gets no thought is refused as unavailable; one that only allows it is
// answered without. An answer whose thoughts were cut short by time is not kept: it would not come out the
// same again.
#pragma once

#include "runtime/reasoning_policy.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

class ReasoningStage final : public Stage {
 public:
  explicit ReasoningStage(ReasoningPolicy policy) : policy_(std::move(policy)) {}
  std::string_view name() const override { return "reasoning"; }
  void enter(const QueryRunPtr& run) override;

 private:
  const ReasoningPolicy policy_;
};

}  // namespace sovereign::runtime
