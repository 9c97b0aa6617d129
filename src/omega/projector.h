// Projects an Ihsan vector to an NTU state: NTU = W·v + b, then the limits of MISSION.md 6.
//
//   row i:      raw_i = b_i + scale_i * sum over measured d of W[i][d] * v[d]
//               scale_i = (sum of |W[i][d]| over all d) / (the same over measured d), 0 when none is
//   belief:     raw_0 clamped to [0,1], then times min/0.5 when the least measured dimension is
//               under 0.5: one bad quality is not bought back by seven good ones
//   entropy:    raw_1, not under 0
//   potential:  raw_2 clamped to [-1,1]
//   coverage:   1/scale_0 in effect: the share of row 0's weight that was measured
//
// Unmeasured dimensions carry no weight: the measured ones are scaled up to the whole row's weight, so
// a missing measurement neither lifts nor lowers the result, and `coverage` says how much was missing.
// When all eight are measured scale is exactly 1. When none is, the result is the clamped bias.
//
// project() is the reference: it defines the result to the last bit, and the batch form
// (projector_batch.h) must equal it. Sums run in the order of Dimension, without fused multiply-add
// (the build passes -ffp-contract=off to whoever links this library).
// Immutable after construction: safe from any thread. Allocates nothing, throws nothing.
#pragma once

#include <array>
#include <bit>

#include "base/result.h"
#include "omega/ihsan_vector.h"
#include "omega/ntu_state.h"

namespace sovereign::omega {

// Rows: belief, entropy, potential. Columns: Dimension.
struct ProjectorWeights {
  std::array<std::array<double, kDimensions>, 3> w{};
  std::array<double, 3> b{};
};

// The default. Belief is a mean weighted towards what can be checked (truthfulness, trustworthiness),
// so a perfect vector believes 1 and an empty one 0. Entropy is its complement over the qualities that
// make an answer predictable: 0 for a perfect vector, 1 for an all-zero one. Potential compares the
// qualities of growth with their middle: -1 for all zero, 0 at one half, 1 for a perfect vector.
inline constexpr ProjectorWeights kDefaultWeights = {
    .w = {{{0.25, 0.20, 0.125, 0.125, 0.125, 0.075, 0.05, 0.05},
           {-0.25, -0.25, -0.125, -0.125, -0.125, -0.0625, -0.0625, 0.0},
           {0.125, 0.125, 0.125, 0.5, 0.5, 0.25, 0.125, 0.25}}},
    .b = {0.0, 1.0, -1.0}};

inline constexpr double kBeliefFloor = 0.5;

// An error names the first entry that is not a finite number.
result<void> validate(const ProjectorWeights& weights);

class IhsanProjector {
 public:
  // `weights` must pass validate().
  constexpr explicit IhsanProjector(const ProjectorWeights& weights = kDefaultWeights) : weights_(weights) {
    for (std::size_t row = 0; row < 3; ++row) {
      for (const double weight : weights_.w[row]) total_[row] += weight < 0 ? -weight : weight;
    }
  }

  constexpr NTUState project(const IhsanVector& vector) const noexcept {
    const std::array<double, kDimensions>& v = vector.values();
    std::array<double, 3> sum{};
    std::array<double, 3> measured{};
    double least = 1.0;
#pragma GCC unroll 8
    for (std::size_t d = 0; d < kDimensions; ++d) {
      // By bits, not by comparison: which dimensions are measured varies from vector to vector, and a
      // branch that is guessed wrong costs more than the whole dimension.
      const std::uint64_t mask = is_measured(v[d]) ? ~std::uint64_t{0} : 0;
      const auto value = std::bit_cast<double>(std::bit_cast<std::uint64_t>(v[d]) & mask);
      const auto present = std::bit_cast<double>(std::bit_cast<std::uint64_t>(1.0) & mask);
      least = v[d] < least ? v[d] : least;  // false for NaN
#pragma GCC unroll 3
      for (std::size_t row = 0; row < 3; ++row) {
        const double weight = weights_.w[row][d];
        const double size = weight < 0 ? -weight : weight;
        sum[row] += weight * value;
        measured[row] += size * present;
      }
    }
    std::array<double, 3> raw{};
#pragma GCC unroll 3
    for (std::size_t row = 0; row < 3; ++row) {
      const double divisor = measured[row] > 0 ? measured[row] : 1.0;
      const double scale = measured[row] > 0 ? total_[row] / divisor : 0.0;
      raw[row] = weights_.b[row] + scale * sum[row];
    }

    NTUState state;
    state.belief = raw[0] > 0 ? raw[0] : 0.0;
    state.belief = state.belief < 1 ? state.belief : 1.0;
    state.belief = state.belief * (least < kBeliefFloor ? least / kBeliefFloor : 1.0);
    state.entropy = raw[1] > 0 ? raw[1] : 0.0;
    state.potential = raw[2] > -1 ? raw[2] : -1.0;
    state.potential = state.potential < 1 ? state.potential : 1.0;
    state.coverage = total_[0] > 0 ? measured[0] / total_[0] : 0.0;
    return state;
  }

  constexpr const ProjectorWeights& weights() const { return weights_; }
  // Per row, the sum of the weights' absolute values.
  constexpr const std::array<double, 3>& row_totals() const { return total_; }

 private:
  ProjectorWeights weights_;
  std::array<double, 3> total_{};
};

}  // namespace sovereign::omega
