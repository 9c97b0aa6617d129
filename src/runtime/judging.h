// Asks a backend to judge answers: one greedy generation per answer, constrained to omega's schema.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "omega/judge.h"
#include "runtime/quality_evidence.h"
#include "runtime/query_run.h"

namespace sovereign::runtime {

// One per answer; none where there is no usable verdict.
using Verdicts = std::vector<std::optional<omega::JudgeVerdict>>;

struct Judge {
  std::shared_ptr<gateway::Backend> backend;  // null: there is none now
  // Whose verdicts may be kept (BackendIdentity::digest); empty: nobody's. Keys hold the judge's name alone,
  // so that this is whom the name means as long as all are well and a query may go anywhere.
  std::string kept_of{};
};

// The judge that goes by this name, `require_local`: if it may be asked without leaving this process. From
// any thread.
using JudgeFinder = std::function<Judge(const std::string& model, bool require_local)>;

// There is a backend. `done` is called once, on a worker; soon, when the run is cancelled. The run's
// on_cancel() is taken.
void judge(const QueryRunPtr& run, const Judge& judge, const AskedTexts& asked,
           const std::vector<std::string>& answers, Time deadline, std::function<void(Verdicts)> done);

}  // namespace sovereign::runtime
