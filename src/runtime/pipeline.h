// The way of every query: a list of stages, each timed.
//
//   admission -> cache -> reasoning -> inference -> quality -> cache_fill -> seal
//
// Who answers is chosen before: its identity is part of the cache's key.
// A hit leaves after `cache`, by way of `seal`: a receipt is each client's own, so it comes after all that is
// shared with others. Immutable after create();
// start() is thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "gateway/backend.h"
#include "runtime/answer_policy.h"
#include "runtime/query.h"
#include "runtime/query_client.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

// Runs a job soon, on a thread that may compute for a while.
using Executor = std::function<void(std::function<void()>)>;

class Pipeline : public std::enable_shared_from_this<Pipeline> {
 public:
  // The clock outlives every run. The executor may be called until the last run has ended.
  static std::shared_ptr<const Pipeline> create(std::vector<std::unique_ptr<Stage>> stages,
                                                const Clock& clock, Executor executor,
                                                AnswerPolicy policy = {}, bool waits = true);

  // Answers the query, on this thread as far as nothing has to be waited for: call it on a worker.
  // Everything that comes of it goes to the client. `choosing`: how long it took to choose the backend; told
  // as a stage `tier` before all others.
  void start(SovereignQuery query, const std::shared_ptr<gateway::Backend>& backend,
             std::shared_ptr<QueryClient> client, std::optional<Duration> choosing = std::nullopt) const;

  const std::vector<std::unique_ptr<Stage>>& stages() const { return stages_; }
  const Clock& clock() const { return clock_; }
  const AnswerPolicy& policy() const { return policy_; }
  // Whether a stage may wait for a disk or another server, beside `inference`.
  bool waits() const { return waits_; }
  void post(std::function<void()> job) const { executor_(std::move(job)); }

 private:
  Pipeline(std::vector<std::unique_ptr<Stage>> stages, const Clock& clock, Executor executor,
           AnswerPolicy policy, bool waits)
      : stages_(std::move(stages)),
        clock_(clock),
        executor_(std::move(executor)),
        policy_(std::move(policy)),
        waits_(waits) {}

  const std::vector<std::unique_ptr<Stage>> stages_;
  const Clock& clock_;
  const Executor executor_;
  const AnswerPolicy policy_;
  const bool waits_;
};

}  // namespace sovereign::runtime
