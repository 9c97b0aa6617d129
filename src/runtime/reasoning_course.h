// Drives the pure Reasoner on a backend for one query, level by level, without a thread that waits.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/query_run.h"
#include "runtime/reasoning_policy.h"
#include "runtime/side_generation.h"

namespace sovereign::runtime {

// Thread-safe: thoughts end on any worker.
class ReasoningCourse : public std::enable_shared_from_this<ReasoningCourse> {
 public:
  // With a failure of a thought, if one failed: the first, or that the prompt is too long.
  using Done = std::function<void(ReasoningOutcome, std::optional<gateway::Failure>)>;

  // `done` is called once, on a worker; soon, when the run is cancelled.
  ReasoningCourse(QueryRunPtr run, const ReasoningPolicy& policy, Done done);

  // Once. The run's on_cancel() is taken.
  void begin();

 private:
  void next_level();
  void begin_thoughts(const std::vector<ThoughtRequest>& requests, std::optional<Time> deadline);
  void take(ThoughtId id, SideAnswer answer);
  void stop();

  const QueryRunPtr run_;
  const engine::SamplingParams sampling_;
  std::mutex mutex_;
  Reasoner reasoner_;                                         // guarded by mutex_
  std::vector<std::shared_ptr<SideGeneration>> generations_;  // of this level; guarded by mutex_
  bool stopped_ = false;                                      // guarded by mutex_
  Usage usage_;                                               // guarded by mutex_
  bool by_another_ = false;                                   // some thought was; guarded by mutex_
  std::optional<gateway::Failure> failure_;                   // as Done is told; guarded by mutex_
  Done done_;
};

// The conversation in which inference gives the answer that a thought led to, as OpenAI's `messages`.
std::string messages_after(const SovereignQuery& query, const ThoughtPrompts& prompts,
                           std::string_view thought);

}  // namespace sovereign::runtime
