// Anchors: where on a signal's own scale no fault begins, and where the worst is reached.
//
// The defaults come from the labelled set (tests/omega/labelled_answers.jsonl, docs/quality.md) and
// from the papers named in the signals' headers. Likelihoods depend on the model: measure them anew for
// another one (docs/quality.md says how).
#pragma once

#include <array>

#include "omega/signal.h"

namespace sovereign::omega {

// score = (raw - worst) / (good - worst), kept within [0,1]. good > worst.
struct Anchors {
  double worst = 0;
  double good = 1;
};

struct Calibration {
  std::array<Anchors, kSignals> anchors{};

  constexpr const Anchors& of(Signal signal) const { return anchors[static_cast<std::size_t>(signal)]; }
  constexpr Anchors& of(Signal signal) { return anchors[static_cast<std::size_t>(signal)]; }
};

constexpr Calibration default_calibration() {
  Calibration calibration;
  calibration.of(Signal::likelihood) = {.worst = -7.0, .good = -4.0};
  calibration.of(Signal::weakest_span) = {.worst = -11.0, .good = -7.0};
  calibration.of(Signal::variety) = {.worst = 0.3, .good = 0.7};
  calibration.of(Signal::agreement) = {.worst = 0.0, .good = 0.5};
  calibration.of(Signal::grounding) = {.worst = 0.2, .good = 0.7};
  return calibration;  // the others are shares or yes/no: 0 to 1 as they stand
}

inline constexpr Calibration kDefaultCalibration = default_calibration();

constexpr Reading read(double raw, const Anchors& anchors) {
  const double score = (raw - anchors.worst) / (anchors.good - anchors.worst);
  return {raw, score < 0 ? 0.0 : score > 1 ? 1.0 : score};
}

}  // namespace sovereign::omega
