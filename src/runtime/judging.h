// Asks a backend to judge answers: one greedy generation per answer, constrained to omega's schema.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "omega/judge.h"
#include "runtime/quality_evidence.h"
#include "runtime/query_run.h"

namespace sovereign::runtime {

// One per answer; none where there is no usable verdict.
using Verdicts = std::vector<std::optional<omega::JudgeVerdict>>;

// `done` is called once, on a worker; soon, when the run is cancelled. The run's on_cancel() is taken.
void judge(const QueryRunPtr& run, gateway::Backend& backend, const AskedTexts& asked,
           const std::vector<std::string>& answers, Time deadline, std::function<void(Verdicts)> done);

}  // namespace sovereign::runtime
