#include "omega/assessment.h"

#include <span>
#include <string_view>

#include "omega/mapping.h"
#include "omega/signals/agreement.h"
#include "omega/signals/format_compliance.h"
#include "omega/signals/grounding.h"
#include "omega/signals/likelihood.h"
#include "omega/signals/personal_data.h"
#include "omega/signals/refusal.h"
#include "omega/signals/repetition.h"
#include "omega/signals/secrets.h"
#include "omega/signals/truncation.h"
#include "omega/words.h"

namespace sovereign::omega {
namespace {

// What counts as given of personal data; of secrets the question alone does. The signals' headers say why.
std::vector<std::string_view> all_given(const Evidence& evidence) {
  std::vector<std::string_view> given = {evidence.question};
  given.insert(given.end(), evidence.context.begin(), evidence.context.end());
  return given;
}

}  // namespace

Assessment assess(const Evidence& evidence, const AssessmentSettings& settings) {
  Assessment assessment;
  const auto note = [&](Signal signal, std::optional<double> raw) {
    if (raw) assessment.readings[signal] = read(*raw, settings.calibration.of(signal));
  };
  const std::vector<Word> words = words_of(evidence.answer);
  note(Signal::likelihood, mean_logprob(evidence.logprobs));
  note(Signal::weakest_span, weakest_span_logprob(evidence.logprobs));
  note(Signal::variety, variety(evidence.answer, words));
  note(Signal::completeness, completeness(evidence.answer, evidence.ending));
  note(Signal::responsiveness, responsiveness(evidence.answer));
  note(Signal::agreement, agreement(evidence.answer, evidence.samples));
  note(Signal::grounding, grounding(words, evidence.question, evidence.context));
  note(Signal::format, format_compliance(evidence.answer, evidence.format, evidence.schema));
  if (!evidence.answer.empty()) {
    std::vector<Finding> secrets = find_secrets(evidence.answer, std::span(&evidence.question, 1));
    const std::vector<Finding> personal = find_personal_data(evidence.answer, all_given(evidence));
    note(Signal::no_secrets, secrets.empty() ? 1.0 : 0.0);
    note(Signal::no_personal_data, personal.empty() ? 1.0 : 0.0);
    assessment.findings = std::move(secrets);
    for (const Finding& finding : personal) {
      if (assessment.findings.size() < kMaxFindings) assessment.findings.push_back(finding);
    }
  }
  conclude(assessment, evidence.judge, settings.projector);
  return assessment;
}

void conclude(Assessment& assessment, const JudgeVerdict* judge, const IhsanProjector& projector) {
  assessment.vector = map_to_dimensions(assessment.readings, judge);
  assessment.state = projector.project(assessment.vector);
  assessment.score = assessment.state.coverage > 0 ? std::optional(assessment.state.belief) : std::nullopt;
}

}  // namespace sovereign::omega
