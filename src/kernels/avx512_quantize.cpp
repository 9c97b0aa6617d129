// Rounding of activations, sixteen blocks at a time, so that each block's scale is a lane of a vector: one
// division for all sixteen, and their sums without horizontal additions for each.
#include <immintrin.h>

#include <algorithm>

#include "kernels/avx512_parts.h"

namespace sovereign::kernels {
namespace {

constexpr std::size_t kGroup = 16;  // blocks

// Four numbers for each block of a group, whose sum or maximum is wanted. Block b is in the 128 bits b / 4 of
// vector b % 4, so that rows of equal 128-bit lanes come out as blocks in order.
struct alignas(64) Fours {
  __m128i of[4][4];

  void put(std::size_t block, __m128i four) { of[block % 4][block / 4] = four; }
  __m512i vector(std::size_t i) const { return _mm512_load_si512(of[i]); }
};

// Lane b of the result: `combine` of the four numbers of block b.
template <class Combine>
__m512i combined(const Fours& fours, const Combine& combine) {
  __m512i all[4];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const __m512i four = fours.vector(i);
    const __m512i two = combine(four, _mm512_shuffle_epi32(four, _MM_PERM_BADC));
    all[i] = combine(two, _mm512_shuffle_epi32(two, _MM_PERM_CDAB));
  }
  const __m512i even = _mm512_mask_blend_epi32(0x2222, all[0], all[1]);
  const __m512i odd = _mm512_mask_blend_epi32(0x8888, all[2], all[3]);
  return _mm512_mask_blend_epi32(0xCCCC, even, odd);
}

// The second operand wins against NaN.
__m128i largest_four(__m512 a, __m512 b) {
  const __m512 sixteen =
      _mm512_max_ps(_mm512_abs_ps(b), _mm512_max_ps(_mm512_abs_ps(a), _mm512_setzero_ps()));
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(sixteen), _mm512_extractf32x8_ps(sixteen, 1));
  return _mm_castps_si128(_mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
}

// Sixteen numbers to bytes; NaN becomes -128.
__m128i rounded(const float* x, __m512 inverse) {
  return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), inverse)));
}

// The parts of a block's head, which are 16 bytes; lane b of each is block b's.
void put_heads(__m512i scale, __m512i scaled_sum, __m512i sum, __m512i half_sums, std::size_t count,
               ActivationBlock* out, std::size_t stride) {
  const __m512i low_pairs = _mm512_unpacklo_epi32(scale, scaled_sum);
  const __m512i high_pairs = _mm512_unpackhi_epi32(scale, scaled_sum);
  const __m512i low_sums = _mm512_unpacklo_epi32(sum, half_sums);
  const __m512i high_sums = _mm512_unpackhi_epi32(sum, half_sums);
  // Heads of blocks i, 4 + i, 8 + i and 12 + i.
  alignas(64) __m128i heads[4][4];
  _mm512_store_si512(heads[0], _mm512_unpacklo_epi64(low_pairs, low_sums));
  _mm512_store_si512(heads[1], _mm512_unpackhi_epi64(low_pairs, low_sums));
  _mm512_store_si512(heads[2], _mm512_unpacklo_epi64(high_pairs, high_sums));
  _mm512_store_si512(heads[3], _mm512_unpackhi_epi64(high_pairs, high_sums));
  for (std::size_t b = 0; b < count; ++b) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + b * stride), heads[b % 4][b / 4]);
  }
}

void quantize_group(const float* x, std::size_t count, ActivationBlock* out, std::size_t stride) {
  Fours fours{};
  for (std::size_t b = 0; b < count; ++b) {
    fours.put(b, largest_four(_mm512_loadu_ps(x + b * kBlock), _mm512_loadu_ps(x + b * kBlock + 16)));
  }
  const __m512 largest = _mm512_castsi512_ps(combined(fours, [](__m512i a, __m512i b) {
    return _mm512_castps_si512(_mm512_max_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
  }));
  const __mmask16 there = _mm512_cmp_ps_mask(largest, _mm512_set1_ps(kSmallestActivation), _CMP_NLT_UQ);
  const __m512 most = _mm512_set1_ps(127.0F);
  alignas(64) float inverses[kGroup];
  _mm512_store_ps(inverses, _mm512_maskz_div_ps(there, most, largest));
  const __m512 scale = _mm512_maskz_div_ps(there, largest, most);

  Fours first{};
  Fours second{};
  for (std::size_t b = 0; b < count; ++b) {
    const __m512 inverse = _mm512_set1_ps(inverses[b]);
    const __m128i low = rounded(x + b * kBlock, inverse);
    const __m128i high = rounded(x + b * kBlock + 16, inverse);
    auto* quants = reinterpret_cast<__m128i*>(out[b * stride].quants);
    _mm_storeu_si128(quants, low);
    _mm_storeu_si128(quants + 1, high);
    // Sums of the bytes, for NaN is -128 only there: 1 (unsigned) times q.
    const __m128i one = _mm_set1_epi8(1);
    first.put(b, _mm_dpbusd_epi32(_mm_setzero_si128(), one, low));
    second.put(b, _mm_dpbusd_epi32(_mm_setzero_si128(), one, high));
  }
  const auto add = [](__m512i a, __m512i b) { return _mm512_add_epi32(a, b); };
  const __m512i first_sum = combined(first, add);
  const __m512i second_sum = combined(second, add);
  const __m512i sum = _mm512_add_epi32(first_sum, second_sum);
  const __m512i half_sums = _mm512_mask_blend_epi16(0xAAAAAAAA, first_sum, _mm512_slli_epi32(second_sum, 16));
  const __m512 scaled_sum = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(sum));
  put_heads(_mm512_castps_si512(scale), _mm512_castps_si512(scaled_sum), sum, half_sums, count, out, stride);
}

}  // namespace

void quantize_avx512(const float* x, std::size_t k, ActivationBlock* out, std::size_t stride) {
  for (std::size_t left = column_blocks(k); left > 0;) {
    const std::size_t count = std::min(left, kGroup);
    quantize_group(x, count, out, stride);
    x += count * kBlock;
    out += count * stride;
    left -= count;
  }
}

}  // namespace sovereign::kernels
