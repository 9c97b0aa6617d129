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
#include <type_traits>

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
      for (std::size_t d = 0; d < kDimensions; ++d) {
        const double weight = weights_.w[row][d];
        const double size = weight < 0 ? -weight : weight;
        total_[row] += size;
        columns_[d][row] = weight;
        sizes_[d][row] = size;
      }
    }
  }

  constexpr NTUState project(const IhsanVector& vector) const noexcept {
    Sums sums;
    if (std::is_constant_evaluated()) {
      add_up(vector.values(), sums);
    } else {
      add_up_in_lanes(vector.values(), sums);
    }
    std::array<double, 3> raw{};
#pragma GCC unroll 3
    for (std::size_t row = 0; row < 3; ++row) {
      const double divisor = sums.measured[row] > 0 ? sums.measured[row] : 1.0;
      const double scale = sums.measured[row] > 0 ? total_[row] / divisor : 0.0;
      raw[row] = weights_.b[row] + scale * sums.weighted[row];
    }

    NTUState state;
    state.belief = raw[0] > 0 ? raw[0] : 0.0;
    state.belief = state.belief < 1 ? state.belief : 1.0;
    state.belief = state.belief * (sums.least < kBeliefFloor ? sums.least / kBeliefFloor : 1.0);
    state.entropy = raw[1] > 0 ? raw[1] : 0.0;
    state.potential = raw[2] > -1 ? raw[2] : -1.0;
    state.potential = state.potential < 1 ? state.potential : 1.0;
    state.coverage = total_[0] > 0 ? sums.measured[0] / total_[0] : 0.0;
    return state;
  }

  constexpr const ProjectorWeights& weights() const { return weights_; }
  // Per row, the sum of the weights' absolute values.
  constexpr const std::array<double, 3>& row_totals() const { return total_; }

 private:
  // A row per lane, and one lane that nobody reads.
  using Rows = std::array<double, 4>;
  // Half of that, in a register.
  using Lanes [[gnu::vector_size(2 * sizeof(double))]] = double;

  struct Sums {
    Rows weighted{};  // of w·v over measured dimensions
    Rows measured{};  // of |w| over them
    double least = 1.0;
  };

  // Defines the sums.
  constexpr void add_up(const std::array<double, kDimensions>& v, Sums& sums) const noexcept {
    for (std::size_t d = 0; d < kDimensions; ++d) {
      const bool present = is_measured(v[d]);
      sums.least = v[d] < sums.least ? v[d] : sums.least;  // false for NaN
      for (std::size_t row = 0; row < 3; ++row) {
        sums.weighted[row] += columns_[d][row] * (present ? v[d] : 0.0);
        sums.measured[row] += present ? sizes_[d][row] : 0.0;
      }
    }
  }

  // The same, lane by lane, to the last bit. By masks, not by branches: which dimensions are measured
  // varies from vector to vector, and a branch that is guessed wrong costs more than the whole dimension.
  void add_up_in_lanes(const std::array<double, kDimensions>& v, Sums& sums) const noexcept {
    Lanes weighted[2] = {};
    Lanes measured[2] = {};
    double least = 1.0;
#pragma GCC unroll 8
    for (std::size_t d = 0; d < kDimensions; ++d) {
      least = v[d] < least ? v[d] : least;
      const Lanes both = {v[d], v[d]};
      const auto present = both == both;  // all bits of a lane, or none
      using Bits = std::remove_const_t<decltype(present)>;
      const Lanes value = std::bit_cast<Lanes>(std::bit_cast<Bits>(both) & present);
#pragma GCC unroll 2
      for (std::size_t half = 0; half < 2; ++half) {
        Lanes weight;
        Bits size;
        __builtin_memcpy(&weight, &columns_[d][2 * half], sizeof weight);
        __builtin_memcpy(&size, &sizes_[d][2 * half], sizeof size);
        weighted[half] += weight * value;
        measured[half] += std::bit_cast<Lanes>(size & present);
      }
    }
    __builtin_memcpy(sums.weighted.data(), weighted, sizeof weighted);
    __builtin_memcpy(sums.measured.data(), measured, sizeof measured);
    sums.least = least;
  }

  ProjectorWeights weights_;
  std::array<double, 3> total_{};
  alignas(16) std::array<Rows, kDimensions> columns_{};  // by dimension; as weights_, and as their sizes
  alignas(16) std::array<Rows, kDimensions> sizes_{};
};

}  // namespace sovereign::omega
