#include "runtime/stages/quality.h"

#include <algorithm>
#include <utility>

#include "runtime/quality_json.h"
#include "runtime/query_run.h"

namespace sovereign::runtime {
namespace {

constexpr std::string_view kRefused = "quality_gate";

std::shared_ptr<const Quality> note(omega::Assessment assessment, omega::Decision decision,
                                    const std::optional<omega::JudgeVerdict>* verdict,
                                    std::uint32_t retries) {
  auto quality = std::make_shared<Quality>();
  quality->assessment = std::move(assessment);
  quality->shortfalls = std::move(decision.shortfalls);
  quality->retries = retries;
  if (verdict != nullptr && verdict->has_value()) quality->judge_reason = (*verdict)->reason;
  return quality;
}

gateway::Failure refusal(const std::vector<Choice>& choices) {
  const auto worst = std::find_if(choices.begin(), choices.end(),
                                  [](const Choice& choice) { return !choice.quality->passed(); });
  gateway::Failure failure(ErrorCode::permission_denied,
                           omega::refusal_message({omega::Verdict::refuse, worst->quality->shortfalls}), {},
                           std::string(kRefused));
  failure.details = "{\"quality\":";
  append_quality_json(failure.details, *worst->quality, QualityDetail::full);
  failure.details += '}';
  return failure;
}

}  // namespace

Judge QualityStage::judge_of(const QueryRunPtr& run) const {
  if (!policy_.judge) return {};
  if (policy_.judge_model.empty()) return {run->backend.lock(), run->identity.digest};
  return find_judge_ ? find_judge_(policy_.judge_model, run->query.require_local) : Judge{};
}

void QualityStage::enter(const QueryRunPtr& run) {
  const AskedTexts asked = asked_texts(run->query);
  auto assessments = assess_choices(run->query, asked, run->result.choices, run->log_likelihoods);
  const Judge by = judge_of(run);
  if (by.backend == nullptr) {
    const Verdicts none(policy_.judge ? assessments.size() : 0);
    return conclude(run, std::move(assessments), none);
  }
  std::vector<std::string> answers;
  for (const Choice& choice : run->result.choices) answers.push_back(said_by(choice));
  Time deadline = run->now() + policy_.judge_timeout;
  if (run->query.deadline) deadline = std::min(deadline, *run->query.deadline);
  // The run holds the pipeline, and that this stage.
  judge(run, by, asked, answers, deadline,
        [this, run, kept = std::move(assessments)](const Verdicts& verdicts) {
          if (run->cancelled()) return run->refuse({ErrorCode::cancelled, "The client left.", {}});
          conclude(run, kept, verdicts);
        });
}

void QualityStage::count_scores(const std::vector<omega::Assessment>& assessments,
                                const Verdicts& verdicts) const {
  if (metrics_ == nullptr) return;
  for (const auto& assessment : assessments) {
    if (assessment.score) {
      metrics_->score.observe(*assessment.score);
    } else {
      count(metrics_->unmeasured);
    }
  }
  for (const auto& verdict : verdicts) count(verdict ? metrics_->judged : metrics_->judge_failures);
}

void QualityStage::conclude(const QueryRunPtr& run, std::vector<omega::Assessment> assessments,
                            const Verdicts& verdicts) const {
  auto& choices = run->result.choices;
  auto worst = omega::Verdict::accept;
  bool passed = true;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto* verdict = i < verdicts.size() ? &verdicts[i] : nullptr;
    if (verdict != nullptr && verdict->has_value()) {
      omega::conclude(assessments[i], &**verdict);
    } else if (policy_.judge) {
      // The judge may refuse this answer when it has more time: it must not be found without a verdict.
      run->store = false;
    }
  }
  count_scores(assessments, verdicts);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    auto decision = omega::decide(policy_.gate, assessments[i], run->retries);
    if (decision.verdict != omega::Verdict::accept) worst = decision.verdict;
    choices[i].quality = note(std::move(assessments[i]), std::move(decision),
                              i < verdicts.size() ? &verdicts[i] : nullptr, run->retries);
    passed = passed && choices[i].quality->passed();
  }
  const auto tally = [&](QualityMetrics::Counter QualityMetrics::*counter) {
    if (metrics_ != nullptr) count(metrics_->*counter);
  };
  switch (worst) {
    case omega::Verdict::accept:
      tally(passed ? &QualityMetrics::accepted : &QualityMetrics::let_through);
      return run->proceed();
    case omega::Verdict::retry:
      tally(&QualityMetrics::retried);
      ++run->retries;
      // This may be the thread that other servers' answers come in by.
      return run->post([run] { run->repeat("inference"); });
    case omega::Verdict::refuse: tally(&QualityMetrics::refused); return run->refuse(refusal(choices));
  }
}

}  // namespace sovereign::runtime
