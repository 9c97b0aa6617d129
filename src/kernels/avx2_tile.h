// Pieces of the AVX2 kernels: one panel (16 rows, two vectors of 8) times up to 4 columns.
//
// vpmaddubsw multiplies unsigned weights by signed activations and adds neighbours into 16 bits, saturating.
// Weights are kept small enough that it never does: the pairs of eight steps of 4-bit weights still fit
// (8 * 2 * 15 * 128 = 30,720), of four steps of 5 bits (31,744), of two steps of 6 bits (32,256). So sums
// stay in 16 bits as long as possible, and vpmaddwd widens them once, multiplying by a sub-block's scale as
// it goes.
//
// Internal linkage: this is included by files that are compiled with AVX2, whose code must not be shared.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "kernels/activations.h"
#include "kernels/panels.h"

namespace sovereign::kernels {
namespace {

inline constexpr int kColumns = 4;  // of a tile of activations, at once
#define SOVEREIGN_INLINE [[gnu::always_inline]] inline

SOVEREIGN_INLINE __m256i load(const std::uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

SOVEREIGN_INLINE __m256 load_halves(const Half* halves) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
}

// Four activations, to every row.
SOVEREIGN_INLINE __m256i broadcast_step(const std::int8_t* x) {
  std::int32_t four;
  std::memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}

SOVEREIGN_INLINE __m256i low_nibbles(__m256i pairs) { return _mm256_and_si256(pairs, _mm256_set1_epi8(15)); }
SOVEREIGN_INLINE __m256i high_nibbles(__m256i pairs) { return low_nibbles(_mm256_srli_epi16(pairs, 4)); }

// sums[c] += weights * x[c] at `step`, for 8 rows.
template <int C>
SOVEREIGN_INLINE void add_step(__m256i weights, const ActivationBlock* x, std::size_t step,
                               __m256i (&sums)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) {
    sums[c] =
        _mm256_add_epi16(sums[c], _mm256_maddubs_epi16(weights, broadcast_step(x[c].quants + 4 * step)));
  }
}

template <int C>
SOVEREIGN_INLINE void first_step(__m256i weights, const ActivationBlock* x, std::size_t step,
                                 __m256i (&sums)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) sums[c] = _mm256_maddubs_epi16(weights, broadcast_step(x[c].quants + 4 * step));
}

// A block of 4-bit weights, both halves of the panel.
template <int C>
SOVEREIGN_INLINE void nibble_sums(const std::uint8_t* nibbles, const ActivationBlock* x,
                                  __m256i (&low_rows)[C], __m256i (&high_rows)[C]) {
#pragma GCC unroll 4
  for (std::size_t step = 0; step < 4; ++step) {
    const __m256i low = load(nibbles + step * kStepBytes);
    const __m256i high = load(nibbles + step * kStepBytes + kStepBytes / 2);
    if (step == 0) {
      first_step<C>(low_nibbles(low), x, step, low_rows);
      first_step<C>(low_nibbles(high), x, step, high_rows);
    } else {
      add_step<C>(low_nibbles(low), x, step, low_rows);
      add_step<C>(low_nibbles(high), x, step, high_rows);
    }
    add_step<C>(high_nibbles(low), x, step + 4, low_rows);
    add_step<C>(high_nibbles(high), x, step + 4, high_rows);
  }
}

// The definition's float steps (kernel_set.h) for 8 rows of one column.
SOVEREIGN_INLINE __m256 add_scaled(__m256 sum, __m256i integers, __m256 weight_scale,
                                   const ActivationBlock& x) {
  const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(integers), _mm256_set1_ps(x.scale));
  return _mm256_fmadd_ps(weight_scale, scaled, sum);
}

SOVEREIGN_INLINE __m256 add_minimum(__m256 sum, __m256 minimum, const ActivationBlock& x) {
  return _mm256_fmadd_ps(minimum, _mm256_set1_ps(x.scaled_sum), sum);
}

// Runs Format::block over all blocks of a panel for C neighbouring columns of a tile. Format::Panel is its
// structure; Format::block(panels, b, x, sums) adds block b.
template <class Format, int C>
void multiply_columns(const std::byte* panel, std::size_t k, const ActivationBlock* x, std::size_t stride,
                      float* const* outputs) {
  const auto* panels = reinterpret_cast<const typename Format::Panel*>(panel);
  __m256 sums[2][C];
  for (int c = 0; c < C; ++c) sums[0][c] = sums[1][c] = _mm256_setzero_ps();
  for (std::size_t b = 0; b < column_blocks(k); ++b, x += stride) {
    Format::template block<C>(panels, b, x, sums);
  }
  for (int c = 0; c < C; ++c) {
    _mm256_storeu_ps(outputs[c], sums[0][c]);
    _mm256_storeu_ps(outputs[c] + 8, sums[1][c]);
  }
}

template <class Format>
void multiply(const std::byte* panel, std::size_t k, const ActivationTile& tile, float* const* outputs) {
  const ActivationBlock* x = tile.blocks;
  std::size_t c = 0;
  for (; c + kColumns <= tile.columns; c += kColumns) {
    multiply_columns<Format, kColumns>(panel, k, x + c, tile.columns, outputs + c);
  }
  switch (tile.columns - c) {
    case 3: return multiply_columns<Format, 3>(panel, k, x + c, tile.columns, outputs + c);
    case 2: return multiply_columns<Format, 2>(panel, k, x + c, tile.columns, outputs + c);
    case 1: return multiply_columns<Format, 1>(panel, k, x + c, tile.columns, outputs + c);
    default: return;
  }
}

}  // namespace
}  // namespace sovereign::kernels
