// The arithmetic of this folder, once per instruction set; chosen at run time. READ THIS FIRST.
//
// y[row] = sum over inputs of weight[row][i] * x[i], for quantized weights and x rounded to 8 bits.
// The result is defined, to the bit, by reference.cpp and does not depend on the instruction set, on how
// many columns are multiplied at once, or on how rows and columns are shared out among threads:
//
//   for each block of 32 inputs, in order:
//     i   = sum of (q_weight - offset) * q_x, times the sub-block's integer scale     exact, 32 bits
//     t   = float(i) * scale_x                                                          one rounding
//     acc = fma(scale_weight, t, acc)                                                   one rounding
//     acc = fma(minimum_weight, scaled_sum_x, acc)      types with a minimum;           one rounding
//
// One accumulator per output, so order is part of the definition and blocking cannot change it.
// Functions are pure, thread-safe, allocate nothing and need no alignment beyond that of their types. Those
// of small batches may prefetch past the panel's end, which is harmless wherever that is.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/activations.h"
#include "kernels/weight_type.h"

namespace sovereign::kernels {

struct KernelSet {
  const char* name;  // "reference", "avx2", "avx-vnni", "avx512vl-vnni", "avx512-vnni"

  // Rounds k inputs (any number of blocks) into the blocks out[0], out[stride], … NaN becomes -128.
  void (*quantize)(const float* x, std::size_t k, ActivationBlock* out, std::size_t stride);

  // Multiplies one panel with each column: outputs[c][0..15] = the panel's 16 rows times column c.
  // One function for each WeightType, in its order.
  using Multiply = void (*)(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                            float* const* outputs);
  Multiply multiply[std::size(kWeightTypes)];

  Multiply multiply_for(WeightType type) const { return multiply[static_cast<std::size_t>(type)]; }
};

// Scalar, for any CPU; what all others must equal.
const KernelSet& reference_kernels();

// The fastest for this CPU; nullptr where only the reference would run.
const KernelSet* fast_kernels();

// All that this CPU can run, the reference first; for tests and benchmarks.
std::span<const KernelSet* const> supported_kernels();

}  // namespace sovereign::kernels
