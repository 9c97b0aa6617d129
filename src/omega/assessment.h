// The assessment of one answer, from evidence only.
//
//   Evidence evidence{.question = q, .context = documents, .answer = text, .logprobs = logprobs,
//                     .ending = Ending::complete};
//   const Assessment assessment = assess(evidence);
//   assessment.score                                          // none when nothing was measured
//   assessment.vector.get(Dimension::truthfulness)            // likewise
//   assessment.readings[Signal::grounding]->raw
//
// Pure and deterministic: same evidence and settings, same bits. Thread-safe. Linear in the answer's and
// the context's length, but for a search of the context per secret or personal datum. It allocates (word
// lists), but throws nothing except std::bad_alloc.
#pragma once

#include <optional>
#include <vector>

#include "omega/calibration.h"
#include "omega/evidence.h"
#include "omega/finding.h"
#include "omega/ihsan_vector.h"
#include "omega/ntu_state.h"
#include "omega/projector.h"
#include "omega/signal.h"

namespace sovereign::omega {

struct Assessment {
  Readings readings;
  IhsanVector vector;
  NTUState state;
  // The belief of `state`: what the gate compares. None when no dimension with weight was measured.
  std::optional<double> score;
  std::vector<Finding> findings;  // at most kMaxFindings, secrets first
};

struct AssessmentSettings {
  Calibration calibration = kDefaultCalibration;
  IhsanProjector projector{kDefaultWeights};
};

Assessment assess(const Evidence& evidence, const AssessmentSettings& settings = {});

// The part that comes last: vector, state and score anew from readings and a verdict, as after a judge
// was asked. `findings` stay as they are.
void conclude(Assessment& assessment, const JudgeVerdict* judge,
              const IhsanProjector& projector = IhsanProjector());

}  // namespace sovereign::omega
