// Pieces of the AVX-512 VNNI kernels: one panel times up to 16 columns. A step of 16 rows is one vector.
//
// A block's weights are unpacked once, into eight registers; each column then takes eight vpdpbusd, which
// multiply four unsigned weights by four signed activations and add the products to 32 bits, and the
// definition's float steps (kernel_set.h). The chain of sums of one column is long, but the next columns do
// not wait for it.
//
// Internal linkage: this is included by files that are compiled with AVX-512, whose code must not be shared.
#pragma once

#include <immintrin.h>

#include "kernels/activations.h"
#include "kernels/panels.h"

namespace sovereign::kernels {
namespace {

#define SOVEREIGN_INLINE [[gnu::always_inline]] inline

SOVEREIGN_INLINE __m512i load(const std::uint8_t* bytes) { return _mm512_loadu_si512(bytes); }

SOVEREIGN_INLINE __m512 load_halves(const Half* halves) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
}

SOVEREIGN_INLINE __m512 load_bytes(const std::uint8_t* bytes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
}

// sums += weights times four activations, the same for every row. GCC 12 would load and broadcast those
// apart.
SOVEREIGN_INLINE void add_step(__m512i& sums, __m512i weights, const std::int8_t* x) {
  using Four = const std::int8_t[4];
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sums) : "v"(weights), "m"(*reinterpret_cast<Four*>(x)));
}

// sums += pair[row][0] * half_sums[0] + pair[row][1] * half_sums[1].
SOVEREIGN_INLINE void add_half_sums(__m512i& sums, __m512i pairs, const ActivationBlock& x) {
  asm("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(sums) : "v"(pairs), "m"(x.half_sums));
}

// Eight steps of 4-bit weights.
SOVEREIGN_INLINE void unpack(const std::uint8_t* nibbles, __m512i (&steps)[8]) {
  const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
  for (int step = 0; step < 4; ++step) {
    const __m512i pairs = load(nibbles + step * static_cast<int>(kStepBytes));
    steps[step] = _mm512_and_si512(pairs, low);
    steps[step + 4] = _mm512_and_si512(_mm512_srli_epi16(pairs, 4), low);
  }
}

SOVEREIGN_INLINE void add_steps(__m512i& sums, const __m512i (&steps)[8], const ActivationBlock& x) {
#pragma GCC unroll 8
  for (int step = 0; step < 8; ++step) add_step(sums, steps[step], x.quants + 4 * step);
}

SOVEREIGN_INLINE __m512 add_scaled(__m512 sum, __m512 integers, __m512 weight_scale,
                                   const ActivationBlock& x) {
  return _mm512_fmadd_ps(weight_scale, _mm512_mul_ps(integers, _mm512_set1_ps(x.scale)), sum);
}

SOVEREIGN_INLINE __m512 add_minimum(__m512 sum, __m512 minimum, const ActivationBlock& x) {
  return _mm512_fmadd_ps(minimum, _mm512_set1_ps(x.scaled_sum), sum);
}

// Up to this many columns memory is what a product waits for.
inline constexpr int kPrefetchedColumns = 8;
inline constexpr std::size_t kPrefetchBytes = 4096;  // ahead

// All blocks of a panel for C neighbouring columns of a tile. Weights(panels, b) unpacks block b of the
// panel; its add(sum, x) adds the block times one column's.
template <class Weights, int C>
void multiply_columns(const std::byte* panel, std::size_t k, const ActivationBlock* x, std::size_t stride,
                      float* const* outputs) {
  const auto* panels = reinterpret_cast<const typename Weights::Panel*>(panel);
  __m512 sums[C];
#pragma GCC unroll 16
  for (int c = 0; c < C; ++c) sums[c] = _mm512_setzero_ps();
  for (std::size_t b = 0; b < column_blocks(k); ++b, x += stride) {
    const Weights weights(panels, b);
    if constexpr (C <= kPrefetchedColumns) {
      const std::byte* ahead = panel + b * Weights::kBytes + kPrefetchBytes;
#pragma GCC unroll 10
      for (std::size_t at = 0; at < Weights::kBytes; at += 64) _mm_prefetch(ahead + at, _MM_HINT_T0);
    }
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c) sums[c] = weights.add(sums[c], x[c]);
  }
#pragma GCC unroll 16
  for (int c = 0; c < C; ++c) _mm512_storeu_ps(outputs[c], sums[c]);
}

template <class Weights>
void multiply(const std::byte* panel, std::size_t k, const ActivationTile& tile, float* const* outputs) {
  const ActivationBlock* x = tile.blocks;
  const std::size_t stride = tile.columns;
  if (stride == 16) return multiply_columns<Weights, 16>(panel, k, x, stride, outputs);
  std::size_t c = 0;
  if (stride >= 8) {
    multiply_columns<Weights, 8>(panel, k, x, stride, outputs);
    c = 8;
  }
  switch (stride - c) {
    case 7: return multiply_columns<Weights, 7>(panel, k, x + c, stride, outputs + c);
    case 6: return multiply_columns<Weights, 6>(panel, k, x + c, stride, outputs + c);
    case 5: return multiply_columns<Weights, 5>(panel, k, x + c, stride, outputs + c);
    case 4: return multiply_columns<Weights, 4>(panel, k, x + c, stride, outputs + c);
    case 3: return multiply_columns<Weights, 3>(panel, k, x + c, stride, outputs + c);
    case 2: return multiply_columns<Weights, 2>(panel, k, x + c, stride, outputs + c);
    case 1: return multiply_columns<Weights, 1>(panel, k, x + c, stride, outputs + c);
    default: return;
  }
}

}  // namespace
}  // namespace sovereign::kernels
