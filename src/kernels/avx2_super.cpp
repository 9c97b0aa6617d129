#include "kernels/avx2_super.h"

#include "kernels/avx2_tile.h"

namespace sovereign::kernels {
namespace {

// Eight bytes to eight pairs of equal 16-bit numbers, vpmaddwd's second operand.
SOVEREIGN_INLINE __m256i scale_pairs(const std::uint8_t* scales) {
  const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(scales)));
  return _mm256_or_si256(wide, _mm256_slli_epi32(wide, 16));
}

// -(dmin * min), exact.
SOVEREIGN_INLINE __m256 minimum_of(const Half* dmin, const std::uint8_t* min) {
  const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(min)));
  const __m256 product = _mm256_mul_ps(load_halves(dmin), _mm256_cvtepi32_ps(wide));
  return _mm256_xor_ps(product, _mm256_set1_ps(-0.0F));
}

struct FormatQ4_K {
  using Panel = PanelQ4_K;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b / 8];
    const Panel::Block& weights = panel.blocks[b % 8];
    __m256i integers[2][C];
    nibble_sums<C>(weights.nibbles, x, integers[0], integers[1]);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m256 scale = load_halves(panel.d + 8 * half);
      const __m256 minimum = minimum_of(panel.dmin + 8 * half, weights.min + 8 * half);
      const __m256i pairs = scale_pairs(weights.scale + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m256i wide = _mm256_madd_epi16(integers[half][c], pairs);
        sums[half][c] = add_scaled(sums[half][c], wide, scale, x[c]);
        sums[half][c] = add_minimum(sums[half][c], minimum, x[c]);
      }
    }
  }
};

// The fifth bit of step `step`, moved to where it counts 16.
template <int step>
SOVEREIGN_INLINE __m256i fifth_bit(__m256i high) {
  const __m256i moved = step < 4 ? _mm256_slli_epi16(high, step < 4 ? 4 - step : 0)
                                 : _mm256_srli_epi16(high, step < 4 ? 0 : step - 4);
  return _mm256_and_si256(moved, _mm256_set1_epi8(16));
}

struct FormatQ5_K {
  using Panel = PanelQ5_K;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b / 8];
    const Panel::Block& weights = panel.blocks[b % 8];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const std::uint8_t* nibbles = weights.nibbles + half * kStepBytes / 2;
      const __m256i high = load(weights.high + half * kStepBytes / 2);
      const __m256i pairs[4] = {load(nibbles), load(nibbles + kStepBytes), load(nibbles + 2 * kStepBytes),
                                load(nibbles + 3 * kStepBytes)};
      __m256i low_steps[C];
      first_step<C>(_mm256_or_si256(low_nibbles(pairs[0]), fifth_bit<0>(high)), x, 0, low_steps);
      add_step<C>(_mm256_or_si256(low_nibbles(pairs[1]), fifth_bit<1>(high)), x, 1, low_steps);
      add_step<C>(_mm256_or_si256(low_nibbles(pairs[2]), fifth_bit<2>(high)), x, 2, low_steps);
      add_step<C>(_mm256_or_si256(low_nibbles(pairs[3]), fifth_bit<3>(high)), x, 3, low_steps);
      __m256i high_steps[C];
      first_step<C>(_mm256_or_si256(high_nibbles(pairs[0]), fifth_bit<4>(high)), x, 4, high_steps);
      add_step<C>(_mm256_or_si256(high_nibbles(pairs[1]), fifth_bit<5>(high)), x, 5, high_steps);
      add_step<C>(_mm256_or_si256(high_nibbles(pairs[2]), fifth_bit<6>(high)), x, 6, high_steps);
      add_step<C>(_mm256_or_si256(high_nibbles(pairs[3]), fifth_bit<7>(high)), x, 7, high_steps);
      const __m256 scale = load_halves(panel.d + 8 * half);
      const __m256 minimum = minimum_of(panel.dmin + 8 * half, weights.min + 8 * half);
      const __m256i scales = scale_pairs(weights.scale + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m256i wide = _mm256_add_epi32(_mm256_madd_epi16(low_steps[c], scales),
                                              _mm256_madd_epi16(high_steps[c], scales));
        sums[half][c] = add_scaled(sums[half][c], wide, scale, x[c]);
        sums[half][c] = add_minimum(sums[half][c], minimum, x[c]);
      }
    }
  }
};

// The upper two bits of step `step` of a half block, moved to where they count 16 and 32.
template <int step>
SOVEREIGN_INLINE __m256i top_bits(__m256i high) {
  const __m256i moved = step < 2 ? _mm256_slli_epi16(high, step < 2 ? 4 - 2 * step : 0)
                                 : _mm256_srli_epi16(high, step < 2 ? 0 : 2 * step - 4);
  return _mm256_and_si256(moved, _mm256_set1_epi8(48));
}

// Four steps that share a scale: sums of two steps fit 16 bits; `scales` widens.
template <int C>
SOVEREIGN_INLINE void add_sixteen(const __m256i (&weights)[4], __m256i scales, const ActivationBlock* x,
                                  std::size_t first, __m256i (&wide)[C]) {
#pragma GCC unroll 2
  for (std::size_t two = 0; two < 4; two += 2) {
    __m256i sums[C];
    first_step<C>(weights[two], x, first + two, sums);
    add_step<C>(weights[two + 1], x, first + two + 1, sums);
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) wide[c] = _mm256_add_epi32(wide[c], _mm256_madd_epi16(sums[c], scales));
  }
}

struct FormatQ6_K {
  using Panel = PanelQ6_K;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b / 8];
    const Panel::Block& weights = panel.blocks[b % 8];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const std::uint8_t* nibbles = weights.nibbles + half * kStepBytes / 2;
      const __m256i pairs[4] = {load(nibbles), load(nibbles + kStepBytes), load(nibbles + 2 * kStepBytes),
                                load(nibbles + 3 * kStepBytes)};
      const __m256i high[2] = {load(weights.high[0] + half * kStepBytes / 2),
                               load(weights.high[1] + half * kStepBytes / 2)};
      // Row by row: the scale of the first sixteen inputs, of the last sixteen.
      const __m256i both = _mm256_cvtepi8_epi16(_mm_loadu_si128(
          reinterpret_cast<const __m128i*>(&weights.scale[static_cast<std::size_t>(8 * half)])));
      const __m256i first = _mm256_blend_epi16(both, _mm256_slli_epi32(both, 16), 0xAA);
      const __m256i second = _mm256_blend_epi16(_mm256_srli_epi32(both, 16), both, 0xAA);
      // The offset of 32: scale * sum of x, for both halves at once.
      __m256i wide[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        std::int32_t half_sums;
        std::memcpy(&half_sums, x[c].half_sums, sizeof half_sums);
        const __m256i offset = _mm256_slli_epi32(_mm256_madd_epi16(both, _mm256_set1_epi32(half_sums)), 5);
        wide[c] = _mm256_sub_epi32(_mm256_setzero_si256(), offset);
      }
      const __m256i low[4] = {_mm256_or_si256(low_nibbles(pairs[0]), top_bits<0>(high[0])),
                              _mm256_or_si256(low_nibbles(pairs[1]), top_bits<1>(high[0])),
                              _mm256_or_si256(low_nibbles(pairs[2]), top_bits<2>(high[0])),
                              _mm256_or_si256(low_nibbles(pairs[3]), top_bits<3>(high[0]))};
      add_sixteen<C>(low, first, x, 0, wide);
      const __m256i upper[4] = {_mm256_or_si256(high_nibbles(pairs[0]), top_bits<0>(high[1])),
                                _mm256_or_si256(high_nibbles(pairs[1]), top_bits<1>(high[1])),
                                _mm256_or_si256(high_nibbles(pairs[2]), top_bits<2>(high[1])),
                                _mm256_or_si256(high_nibbles(pairs[3]), top_bits<3>(high[1]))};
      add_sixteen<C>(upper, second, x, 4, wide);
      const __m256 scale = load_halves(panel.d + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[half][c] = add_scaled(sums[half][c], wide[c], scale, x[c]);
    }
  }
};

}  // namespace

void multiply_q4_k_avx2(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                        float* const* outputs) {
  multiply<FormatQ4_K>(panel, k, tile, outputs);
}

void multiply_q5_k_avx2(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                        float* const* outputs) {
  multiply<FormatQ5_K>(panel, k, tile, outputs);
}

void multiply_q6_k_avx2(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                        float* const* outputs) {
  multiply<FormatQ6_K>(panel, k, tile, outputs);
}

}  // namespace sovereign::kernels
