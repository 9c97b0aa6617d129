// AVX2 kernels of the 32-input types, and rounding of activations; avx2_super.cpp has the 256-input types.
#include "kernels/avx2_super.h"
#include "kernels/avx2_tile.h"
#include "kernels/kernel_set.h"

namespace sovereign::kernels {

extern const KernelSet kAvx2Kernels;

namespace {

struct FormatQ4_0 {
  using Panel = PanelQ4_0;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b];
    __m256i integers[2][C];
    nibble_sums<C>(panel.nibbles, x, integers[0], integers[1]);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m256 scale = load_halves(panel.d + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m256i wide = _mm256_madd_epi16(integers[half][c], _mm256_set1_epi16(1));
        const __m256i offset = _mm256_slli_epi32(_mm256_set1_epi32(x[c].sum), 3);
        sums[half][c] = add_scaled(sums[half][c], _mm256_sub_epi32(wide, offset), scale, x[c]);
      }
    }
  }
};

struct FormatQ4_1 {
  using Panel = PanelQ4_1;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b];
    __m256i integers[2][C];
    nibble_sums<C>(panel.nibbles, x, integers[0], integers[1]);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const __m256 scale = load_halves(panel.d + 8 * half);
      const __m256 minimum = load_halves(panel.m + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m256i wide = _mm256_madd_epi16(integers[half][c], _mm256_set1_epi16(1));
        sums[half][c] = add_scaled(sums[half][c], wide, scale, x[c]);
        sums[half][c] = add_minimum(sums[half][c], minimum, x[c]);
      }
    }
  }
};

// q + 128 = 16 * high + low: two products of nibbles, so that nothing saturates and no sign is moved.
struct FormatQ8_0 {
  using Panel = PanelQ8_0;

  template <int C>
  SOVEREIGN_INLINE static void block(const Panel* panels, std::size_t b, const ActivationBlock* x,
                                     __m256 (&sums)[2][C]) {
    const Panel& panel = panels[b];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const std::uint8_t* bytes = panel.bytes + half * kStepBytes / 2;
      __m256i low[C];
      __m256i high[C];
#pragma GCC unroll 8
      for (std::size_t step = 0; step < 8; ++step) {
        const __m256i weights = load(bytes + step * kStepBytes);
        const __m256i low_weights = low_nibbles(weights);
        const __m256i high_weights = high_nibbles(weights);
#pragma GCC unroll 4
        for (int c = 0; c < C; ++c) {
          const __m256i four = broadcast_step(x[c].quants + 4 * step);
          const __m256i low_pairs = _mm256_maddubs_epi16(low_weights, four);
          const __m256i high_pairs = _mm256_maddubs_epi16(high_weights, four);
          low[c] = step == 0 ? low_pairs : _mm256_add_epi16(low[c], low_pairs);
          high[c] = step == 0 ? high_pairs : _mm256_add_epi16(high[c], high_pairs);
        }
      }
      const __m256 scale = load_halves(panel.d + 8 * half);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m256i wide = _mm256_add_epi32(_mm256_madd_epi16(low[c], _mm256_set1_epi16(1)),
                                              _mm256_madd_epi16(high[c], _mm256_set1_epi16(16)));
        const __m256i offset = _mm256_slli_epi32(_mm256_set1_epi32(x[c].sum), 7);
        sums[half][c] = add_scaled(sums[half][c], _mm256_sub_epi32(wide, offset), scale, x[c]);
      }
    }
  }
};

float largest_lane(__m256 values) {
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

std::int32_t sum_lanes(__m256i values) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

}  // namespace

void quantize_avx2(const float* x, std::size_t k, ActivationBlock* out, std::size_t stride) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  for (std::size_t b = 0; b < column_blocks(k); ++b, x += kBlock, out += stride) {
    __m256 values[4];
    __m256 magnitude = _mm256_setzero_ps();
    for (int i = 0; i < 4; ++i) {
      values[i] = _mm256_loadu_ps(x + 8 * i);
      // The second operand wins against NaN.
      magnitude = _mm256_max_ps(_mm256_andnot_ps(sign, values[i]), magnitude);
    }
    const float largest = largest_lane(magnitude);
    const bool zero = largest < kSmallestActivation;
    const __m256 inverse = _mm256_set1_ps(zero ? 0.0F : 127.0F / largest);
    __m256i rounded[4];
    for (int i = 0; i < 4; ++i) rounded[i] = _mm256_cvtps_epi32(_mm256_mul_ps(values[i], inverse));
    // Packing works within 128-bit lanes; the permutation puts groups of four back in order.
    const __m256i packed =
        _mm256_permutevar8x32_epi32(_mm256_packs_epi16(_mm256_packs_epi32(rounded[0], rounded[1]),
                                                       _mm256_packs_epi32(rounded[2], rounded[3])),
                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out->quants), packed);
    // Sums of the packed bytes, for NaN is -128 only there: 1 (unsigned) times q.
    const __m256i sums =
        _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), packed), _mm256_set1_epi16(1));
    const std::int32_t first = sum_lanes(_mm256_permute2x128_si256(sums, sums, 0x80));
    const std::int32_t second = sum_lanes(_mm256_permute2x128_si256(sums, sums, 0x81));
    ActivationBlock& block = *out;
    block.scale = zero ? 0.0F : largest / 127.0F;
    block.sum = first + second;
    block.scaled_sum = block.scale * static_cast<float>(block.sum);
    block.half_sums[0] = static_cast<std::int16_t>(first);
    block.half_sums[1] = static_cast<std::int16_t>(second);
  }
}

const KernelSet kAvx2Kernels = {"avx2",
                                quantize_avx2,
                                {multiply<FormatQ4_0>, multiply<FormatQ4_1>, multiply<FormatQ8_0>,
                                 multiply_q4_k_avx2, multiply_q5_k_avx2, multiply_q6_k_avx2}};

}  // namespace sovereign::kernels
