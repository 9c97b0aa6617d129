#include "runtime/stages/admission.h"

#include "runtime/query_run.h"

namespace sovereign::runtime {

result<void> check_query(const SovereignQuery& query, bool can_reason, Time now) {
  if (query.content.empty() && query.chat.messages_json.empty()) {
    return fail(ErrorCode::invalid_argument, "There is nothing to answer: 'content' is empty.", "content");
  }
  if (query.n == 0) return fail(ErrorCode::invalid_argument, "'n' must be at least 1.", "n");
  if (query.require_reasoning && !can_reason) {
    return fail(ErrorCode::unsupported, "Reasoning is required, and this server answers without it.",
                "require_reasoning");
  }
  if (query.deadline && now >= *query.deadline) {
    return fail(ErrorCode::deadline_exceeded, "The query's deadline passed before work on it began.");
  }
  return {};
}

void AdmissionStage::enter(const QueryRunPtr& run) {
  if (run->cancelled()) return run->refuse({ErrorCode::cancelled, "The client left.", {}});
  const auto admitted = check_query(run->query, can_reason_, run->now());
  if (!admitted) return run->refuse(admitted.error());
  run->proceed();
}

}  // namespace sovereign::runtime
