#include "omega/mapping.h"

namespace sovereign::omega {
namespace {

void lower_to(IhsanVector& vector, Dimension dimension, double score) {
  const auto known = vector.get(dimension);
  if (!known || score < *known) vector.set(dimension, score);
}

}  // namespace

Dimension dimension_of(Signal signal) {
  switch (signal) {
    case Signal::agreement:
    case Signal::grounding: return Dimension::truthfulness;
    case Signal::no_secrets:
    case Signal::no_personal_data: return Dimension::trustworthiness;
    case Signal::likelihood:
    case Signal::weakest_span:
    case Signal::variety:
    case Signal::format:
    case Signal::responsiveness: return Dimension::excellence;
    case Signal::completeness: return Dimension::patience;
  }
  return Dimension::excellence;
}

IhsanVector map_to_dimensions(const Readings& readings, const JudgeVerdict* judge) {
  IhsanVector vector;
  for (std::size_t s = 0; s < kSignals; ++s) {
    const auto signal = static_cast<Signal>(s);
    if (const auto& reading = readings[signal]) lower_to(vector, dimension_of(signal), reading->score);
  }
  if (judge == nullptr) return vector;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (const auto& score = judge->scores[d]) lower_to(vector, static_cast<Dimension>(d), *score);
  }
  return vector;
}

}  // namespace sovereign::omega
