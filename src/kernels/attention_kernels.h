// The arithmetic of attention (attention.h), once per instruction set; chosen at run time.
//
// What a row of the output is, to the bit, whatever else is computed with it and wherever in the cache its
// cells lie; attention_reference.cpp is it as code:
//
//   score[i]  = dot(q, k[i]) * scale + slope * mask[i]
//               dot: eight sums by input modulo 8, each an fma() in order; then lanes j and j + 4 are added,
//               then j and j + 2, then j and j + 1
//   e[i]      = exp(score[i] - largest score), a polynomial
//   weight[i] = e[i] in units of 2^-b, rounded to an integer; b such that all weights together are some
//               2^25 to 2^26 units
//   out       = sum of weight[i] * v[i], over the sum of the weights
//
// A product of an integer and an F16 value is a multiple of 2^-24, and F64 adds multiples of 2^-24 exactly
// up to 2^29: so while the weighted mean of |v| stays under 8, the sum is exact and has no order. Beyond, an
// order could show in the 53rd bit, of which an F32 result keeps 24.
//
// Functions are pure, thread-safe, and allocate nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/quant_blocks.h"

namespace sovereign::kernels {

inline constexpr std::size_t kKeyTile = 8;     // keys that dots() takes at once
inline constexpr std::size_t kValueTile = 16;  // values that accumulate() takes at once, at most

// Sizes of heads are multiples of 8.
struct AttentionKernels {
  const char* name;

  // Indices of the cells that a row of the mask lets through, ascending; returns how many.
  std::size_t (*visible)(const Half* mask, std::size_t cells, std::int32_t* indices);
  // kKeyTile keys, in the order in which the same set's dots() takes them.
  void (*widen_keys)(const Half* const* from, std::size_t size, float* to);
  void (*widen_value)(const Half* from, std::size_t size, double* to);
  // out[row * stride + j] = dot(queries[row], keys[j]).
  void (*dots)(const float* queries, std::size_t rows, const float* keys, std::size_t size, float* out,
               std::size_t stride);
  // scores = scores * scale + slope * mask; returns the largest, -infinity when there is none.
  float (*finish_scores)(float* scores, std::size_t count, float scale, const float* mask, float slope);
  // scores = exp(scores - largest); returns their sum, each rounded to a multiple of 2^-20.
  double (*exponentials)(float* scores, std::size_t count, float largest);
  // exponentials = round(exponentials * unit); returns their sum.
  double (*weights)(float* exponentials, std::size_t count, float unit);
  // sums[row] += weights[row][i] * values[i], for `count` <= kValueTile values; weights are `stride` apart.
  void (*accumulate)(const float* weights, std::size_t stride, std::size_t rows, const double* values,
                     std::size_t count, std::size_t size, double* sums);
};

inline constexpr int kWeightBits = 26;

const AttentionKernels& reference_attention();
// The fastest for this CPU; nullptr where only the reference would run.
const AttentionKernels* fast_attention();
// All that this CPU can run, the reference first; for tests.
std::span<const AttentionKernels* const> supported_attention();

// exp(x) for x <= 0, as Cephes has it: x = n ln 2 + r, a polynomial of r, times 2^n. exp(0) is 1.
namespace expf_constants {
inline constexpr float kLog2E = 1.44269504088896341F;
inline constexpr float kLn2High = 0.693359375F;
inline constexpr float kLn2Low = -2.12194440e-4F;
inline constexpr float kLowest = -87.0F;  // below, 0
inline constexpr float kPolynomial[] = {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                        4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};
}  // namespace expf_constants

}  // namespace sovereign::kernels
