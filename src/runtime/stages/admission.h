// The first stage: refuses queries that can have no answer, before anything is spent on them.
#pragma once

#include "runtime/query.h"
#include "runtime/stage.h"

#include "base/result.h"

namespace sovereign::runtime {

// Errors: invalid_argument (nothing is asked), deadline_exceeded, unsupported (reasoning is required and
// the pipeline has none). Pure.
result<void> check_query(const SovereignQuery& query, bool can_reason, Time now);

class AdmissionStage final : public Stage {
 public:
  explicit AdmissionStage(bool can_reason) : can_reason_(can_reason) {}
  std::string_view name() const override { return "admission"; }
  void enter(const QueryRunPtr& run) override;

 private:
  const bool can_reason_;
};

}  // namespace sovereign::runtime
