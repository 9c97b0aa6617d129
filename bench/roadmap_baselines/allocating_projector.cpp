#include "roadmap_baselines/allocating_projector.h"

#include <algorithm>
#include <limits>

namespace sovereign::roadmap {
namespace {

using Array = std::vector<double>;

Array array_of(const omega::IhsanVector& vector) { return {vector.values().begin(), vector.values().end()}; }

Array multiply(const std::vector<Array>& w, const Array& v) {
  Array product(w.size());
  for (std::size_t row = 0; row < w.size(); ++row) {
    for (std::size_t d = 0; d < v.size(); ++d) product[row] += w[row][d] * v[d];
  }
  return product;
}

Array add(const Array& a, const Array& b) {
  Array sum(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + b[i];
  return sum;
}

Array clip(const Array& a, const Array& low, const Array& high) {
  Array clipped(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) clipped[i] = std::clamp(a[i], low[i], high[i]);
  return clipped;
}

Array penalized(const Array& raw, const Array& v) {
  Array result = raw;
  const double least = *std::min_element(v.begin(), v.end());
  if (least < omega::kBeliefFloor) result[0] *= least / omega::kBeliefFloor;
  return result;
}

}  // namespace

AllocatingProjector::AllocatingProjector(const omega::ProjectorWeights& weights)
    : b_(weights.b.begin(), weights.b.end()) {
  for (const auto& row : weights.w) w_.emplace_back(row.begin(), row.end());
}

omega::NTUState AllocatingProjector::project(const omega::IhsanVector& vector) const {
  const Array v = array_of(vector);
  const Array raw = add(multiply(w_, v), b_);
  const Array clipped = clip(raw, {0.0, 0.0, -1.0}, {1.0, std::numeric_limits<double>::infinity(), 1.0});
  const Array ntu = penalized(clipped, v);
  return {ntu[0], ntu[1], ntu[2], 1.0};
}

}  // namespace sovereign::roadmap
