// Kernels of 256 bits with VNNI: one panel (16 rows, two vectors of 8) times up to 4 columns. Included by
// avx_vnni.cpp, for CPUs that have these instructions without AVX-512, and by avx512vl_vnni.cpp, the same
// code in AVX-512's encoding, so that the tests compare its bits where there is no such CPU.
//
// vpdpbusd multiplies four unsigned weights by four signed activations and adds the products to 32 bits:
// nothing saturates, whatever the weights. Each half of a panel is summed by itself, or sixteen registers
// would not do.
//
// Internal linkage: the including files are compiled for instructions that other code must not share.
#pragma once

#include "kernels/avx2_super.h"
#include "kernels/avx2_tile.h"
#include "kernels/kernel_set.h"

namespace sovereign::kernels {
namespace {

SOVEREIGN_INLINE __m256i dot(__m256i sums, __m256i weights, __m256i activations) {
#if defined(__AVXVNNI__)
  return _mm256_dpbusd_avx_epi32(sums, weights, activations);
#else
  return _mm256_dpbusd_epi32(sums, weights, activations);
#endif
}

// sums[c] += weights * x[c] at `step`, for 8 rows.
template <int C>
SOVEREIGN_INLINE void dot_step(__m256i weights, const ActivationBlock* x, std::size_t step,
                               __m256i (&sums)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) sums[c] = dot(sums[c], weights, broadcast_step(x[c].quants + 4 * step));
}

// Eight steps of 4-bit weights.
template <int C>
SOVEREIGN_INLINE void dot_nibbles(const std::uint8_t* nibbles, const ActivationBlock* x, __m256i (&sums)[C]) {
#pragma GCC unroll 4
  for (std::size_t step = 0; step < 4; ++step) {
    const __m256i pairs = load(nibbles + step * kStepBytes);
    dot_step<C>(low_nibbles(pairs), x, step, sums);
    dot_step<C>(high_nibbles(pairs), x, step + 4, sums);
  }
}

template <int C>
SOVEREIGN_INLINE void clear(__m256i (&sums)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) sums[c] = _mm256_setzero_si256();
}

// Begins with what the weights' offset of 2^log2 takes away.
template <int C, int log2>
SOVEREIGN_INLINE void begin_with_offset(const ActivationBlock* x, __m256i (&sums)[C]) {
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) sums[c] = _mm256_set1_epi32(-(x[c].sum * (1 << log2)));
}

// As add_scaled() of integers, which floats hold exactly even when multiplied by a sub-block's scale: they
// stay below 2^24 (avx512_super.cpp).
SOVEREIGN_INLINE __m256 add_scaled_floats(__m256 sum, __m256 integers, __m256 weight_scale,
                                          const ActivationBlock& x) {
  return _mm256_fmadd_ps(weight_scale, _mm256_mul_ps(integers, _mm256_set1_ps(x.scale)), sum);
}

SOVEREIGN_INLINE __m256 load_bytes(const std::uint8_t* bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
}

struct VnniQ4_0 {
  using Panel = PanelQ4_0;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      __m256i integers[C];
      begin_with_offset<C, 3>(x, integers);
      dot_nibbles<C>(panel.nibbles + half * kStepBytes / 2, x, integers);
      const __m256 scale = load_halves(panel.d + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[half][c] = add_scaled(sums[half][c], integers[c], scale, x[c]);
    }
  }
};

struct VnniQ4_1 {
  using Panel = PanelQ4_1;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      __m256i integers[C];
      clear<C>(integers);
      dot_nibbles<C>(panel.nibbles + half * kStepBytes / 2, x, integers);
      const __m256 scale = load_halves(panel.d + 8 * half);
      const __m256 minimum = load_halves(panel.m + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        sums[half][c] = add_scaled(sums[half][c], integers[c], scale, x[c]);
        sums[half][c] = add_minimum(sums[half][c], minimum, x[c]);
      }
    }
  }
};

struct VnniQ8_0 {
  using Panel = PanelQ8_0;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      __m256i integers[C];
      begin_with_offset<C, 7>(x, integers);
#pragma GCC unroll 8
      for (std::size_t step = 0; step < 8; ++step) {
        dot_step<C>(load(panel.bytes + step * kStepBytes + half * kStepBytes / 2), x, step, integers);
      }
      const __m256 scale = load_halves(panel.d + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[half][c] = add_scaled(sums[half][c], integers[c], scale, x[c]);
    }
  }
};

// Of the types with a minimum: what eight steps gave, times the sub-block's scale and the block's.
template <class Panel, int C>
SOVEREIGN_INLINE void add_super(const Panel& panel, const typename Panel::Block& weights, int half,
                                const __m256i (&integers)[C], const ActivationBlock* x,
                                __m256 (&sums)[2][C]) {
  const __m256 scale = load_halves(panel.d + 8 * half);
  const __m256 block_scale = load_bytes(weights.scale + 8 * half);
  const __m256 minimum =
      _mm256_xor_ps(_mm256_mul_ps(load_halves(panel.dmin + 8 * half), load_bytes(weights.min + 8 * half)),
                    _mm256_set1_ps(-0.0F));
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) {
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(integers[c]), block_scale);
    sums[half][c] = add_scaled_floats(sums[half][c], scaled, scale, x[c]);
    sums[half][c] = add_minimum(sums[half][c], minimum, x[c]);
  }
}

struct VnniQ4_K {
  using Panel = PanelQ4_K;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b / 8];
    const Panel::Block& weights = panel.blocks[b % 8];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      __m256i integers[C];
      clear<C>(integers);
      dot_nibbles<C>(weights.nibbles + half * kStepBytes / 2, x, integers);
      add_super<Panel, C>(panel, weights, half, integers, x, sums);
    }
  }
};

// `bits` of bytes whose neighbours may move into the others.
SOVEREIGN_INLINE __m256i only(__m256i bytes, char bits) {
  return _mm256_and_si256(bytes, _mm256_set1_epi8(bits));
}

struct VnniQ5_K {
  using Panel = PanelQ5_K;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b / 8];
    const Panel::Block& weights = panel.blocks[b % 8];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const std::uint8_t* nibbles = weights.nibbles + half * kStepBytes / 2;
      // Bit s of `high` is the fifth of step s.
      const __m256i high = load(weights.high + half * kStepBytes / 2);
      __m256i integers[C];
      clear<C>(integers);
#pragma GCC unroll 4
      for (int step = 0; step < 4; ++step) {
        const __m256i pairs = load(nibbles + static_cast<std::size_t>(step) * kStepBytes);
        const __m256i low_bit = only(_mm256_slli_epi16(high, 4 - step), 16);
        const __m256i high_bit = only(_mm256_srli_epi16(high, step), 16);
        const auto at = static_cast<std::size_t>(step);
        dot_step<C>(_mm256_or_si256(low_nibbles(pairs), low_bit), x, at, integers);
        dot_step<C>(_mm256_or_si256(high_nibbles(pairs), high_bit), x, at + 4, integers);
      }
      add_super<Panel, C>(panel, weights, half, integers, x, sums);
    }
  }
};

struct VnniQ6_K {
  using Panel = PanelQ6_K;

  // Sixteen inputs, which share a scale; `part` is 0 for the first of a block, 1 for the last.
  template <int C, int part>
  SOVEREIGN_INLINE static void sixteen(const Panel::Block& weights, int half, const ActivationBlock* x,
                                       __m256i (&integers)[C]) {
    constexpr int kOffset = 32;
    const std::uint8_t* nibbles = weights.nibbles + half * kStepBytes / 2;
    // Bits 2s and 2s + 1 of `high` are the upper two of step s.
    const __m256i high = load(weights.high[part] + half * kStepBytes / 2);
    const __m256i top[4] = {_mm256_slli_epi16(high, 4), _mm256_slli_epi16(high, 2), high,
                            _mm256_srli_epi16(high, 2)};
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) integers[c] = _mm256_set1_epi32(-kOffset * x[c].half_sums[part]);
#pragma GCC unroll 4
    for (std::size_t step = 0; step < 4; ++step) {
      const __m256i pairs = load(nibbles + step * kStepBytes);
      const __m256i four_bits = part == 0 ? low_nibbles(pairs) : high_nibbles(pairs);
      dot_step<C>(_mm256_or_si256(four_bits, only(top[step], 48)), x, step + 4 * part, integers);
    }
  }

  // Each part's sum times its scale is at most 2^23, both together 2^24.
  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b / 8];
    const Panel::Block& weights = panel.blocks[b % 8];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m256i scales = _mm256_cvtepi8_epi16(_mm_loadu_si128(
          reinterpret_cast<const __m128i*>(&weights.scale[static_cast<std::size_t>(8 * half)])));
      const __m256 first_scale = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(scales, 16), 16));
      const __m256 second_scale = _mm256_cvtepi32_ps(_mm256_srai_epi32(scales, 16));
      __m256i integers[C];
      __m256 scaled[C];
      sixteen<C, 0>(weights, half, x, integers);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) scaled[c] = _mm256_mul_ps(_mm256_cvtepi32_ps(integers[c]), first_scale);
      sixteen<C, 1>(weights, half, x, integers);
      const __m256 scale = load_halves(panel.d + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        scaled[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(integers[c]), second_scale, scaled[c]);
        sums[half][c] = add_scaled_floats(sums[half][c], scaled[c], scale, x[c]);
      }
    }
  }
};

constexpr KernelSet vnni256_kernels(const char* name) {
  return {name,
          quantize_avx2,
          {multiply<VnniQ4_0>, multiply<VnniQ4_1>, multiply<VnniQ8_0>, multiply<VnniQ4_K>, multiply<VnniQ5_K>,
           multiply<VnniQ6_K>}};
}

}  // namespace
}  // namespace sovereign::kernels
