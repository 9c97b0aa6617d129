// Passes over a row of logits (one float per token of the vocabulary), vectorized.
//
// A row is cut into blocks of kRowBlock floats; a pass leaves one number per block. Whoever looks for
// the largest, the k largest or the n-th part of the mass then reads a few blocks, not the whole row.
//
// Each instruction set has its own file around one body (row_kernels_body.inc); all give the same bits,
// because lanes, their order of summation and the polynomial are part of the definition: element i of
// a block goes to lane i % kRowLanes, and lanes are added by halves (lane l + lane l + 8, then + 4, ...).
#pragma once

#include <cstddef>

namespace sovereign::engine {

inline constexpr std::size_t kRowBlock = 128;
inline constexpr std::size_t kRowLanes = 16;

struct RowKernels {
  const char* name;  // "generic", "avx2", "avx512"

  // out[b] = largest of block b; NaN is skipped; -inf when nothing is left.
  void (*block_max)(const float* row, std::size_t blocks, float* out);

  // out[b] = sum over block b of exp((x - shift) * scale), where x <= shift and scale >= 0. Terms under
  // exp(-87) and NaN count as zero. Relative error of a term: under 3e-7.
  void (*block_exp_sum)(const float* row, std::size_t blocks, float shift, float scale, float* out);

  // out[i] = the terms of one block, as block_exp_sum adds them.
  void (*exp_terms)(const float* block, float shift, float scale, float* out);
};

// The best for this CPU; chosen once.
const RowKernels& row_kernels();

// All that this CPU can run, the generic one first; for tests and benchmarks. nullptr ends the list.
const RowKernels* const* supported_row_kernels();

}  // namespace sovereign::engine
