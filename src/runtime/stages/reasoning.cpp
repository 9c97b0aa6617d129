#include "runtime/stages/reasoning.h"

#include <algorithm>
#include <utility>

#include "runtime/query_run.h"
#include "runtime/reasoning_course.h"

namespace sovereign::runtime {
namespace {

// Whether time had a say in what was thought.
bool depends_on_time(const ReasoningOutcome& outcome, std::uint32_t max_thought_tokens) {
  if (outcome.stop == StopReason::time) return true;
  const auto& thoughts = outcome.graph.thoughts();
  return std::any_of(thoughts.begin() + 1, thoughts.end(), [&](const Thought& thought) {
    return thought.status == ThoughtStatus::failed ||
           (thought.status == ThoughtStatus::cut && thought.tokens < max_thought_tokens);
  });
}

}  // namespace

void ReasoningStage::enter(const QueryRunPtr& run) {
  if (!run->query.reasons()) return run->proceed();
  if (run->cancelled()) return run->refuse({ErrorCode::cancelled, "The client left.", {}});
  // The run holds the pipeline, and that this stage.
  const auto done = [this, run](ReasoningOutcome outcome, std::optional<gateway::Failure> failure) {
    if (run->cancelled()) return run->refuse({ErrorCode::cancelled, "The client left.", {}});
    if (outcome.best_path.empty() && run->query.require_reasoning) {
      gateway::Failure why = failure.value_or(gateway::Failure(ErrorCode::unavailable, "there was no text"));
      why.message = "Reasoning brought no answer: " + why.message;
      return run->refuse(why);
    }
    if (!outcome.best_path.empty()) {
      run->messages_json = messages_after(run->query, policy_.graph.prompts, outcome.answer);
    }
    // Who forces the cache takes any answer; but under a reproducible query's key others look who do not.
    const bool any_will_do = run->query.cache.mode == CacheMode::force && !run->query.reproducible();
    if (!any_will_do && depends_on_time(outcome, policy_.graph.max_thought_tokens)) run->store = false;
    run->result.reasoning = std::make_shared<const ReasoningOutcome>(std::move(outcome));
    run->proceed();
  };
  std::make_shared<ReasoningCourse>(run, policy_, done)->begin();
}

}  // namespace sovereign::runtime
