// The stage `quality`: assesses what inference brought, notes it on each answer, and lets the gate decide.
//
// Under `enforce` an answer that falls short is made once more (retry_sampling.h says how), then refused with
// reason "quality_gate" and its scores as details. Of several answers all must pass. An answer whose judge
// was asked and gave no usable verdict is judged by its signals, and not kept.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "omega/assessment.h"
#include "runtime/judging.h"
#include "runtime/quality_metrics.h"
#include "runtime/quality_policy.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

class QualityStage final : public Stage {
 public:
  // `metrics` outlive every run; may be null.
  QualityStage(QualityPolicy policy, JudgeFinder find_judge, QualityMetrics* metrics)
      : policy_(std::move(policy)), find_judge_(std::move(find_judge)), metrics_(metrics) {}
  std::string_view name() const override { return "quality"; }
  void enter(const QueryRunPtr& run) override;

 private:
  // Without a backend: nobody judges.
  Judge judge_of(const QueryRunPtr& run) const;
  void conclude(const QueryRunPtr& run, std::vector<omega::Assessment> assessments,
                const Verdicts& verdicts) const;
  void count_scores(const std::vector<omega::Assessment>& assessments, const Verdicts& verdicts) const;

  const QualityPolicy policy_;
  const JudgeFinder find_judge_;
  QualityMetrics* const metrics_;
};

}  // namespace sovereign::runtime
