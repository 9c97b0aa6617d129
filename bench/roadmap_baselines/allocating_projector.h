// The roadmap's 'before' of the quality projection: every step makes a new array, as array libraries do for
// v = array(dimensions); raw = W @ v; raw = raw + b; raw = clip(raw, low, high); raw = penalized(raw, v).
// Same formula as omega::IhsanProjector for vectors of which every dimension is measured.
#pragma once

#include <vector>

#include "omega/projector.h"

namespace sovereign::roadmap {

class AllocatingProjector {
 public:
  explicit AllocatingProjector(const omega::ProjectorWeights& weights = omega::kDefaultWeights);
  omega::NTUState project(const omega::IhsanVector& vector) const;

 private:
  std::vector<std::vector<double>> w_;
  std::vector<double> b_;
};

}  // namespace sovereign::roadmap
