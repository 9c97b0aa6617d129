// AVX-512 kernels of attention; attention_kernels.h defines what they compute.
#include <immintrin.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "kernels/attention_kernels.h"

namespace sovereign::kernels {

extern const AttentionKernels kAvx512Attention;

namespace {

// The lanes of the last vector that are there.
__mmask16 lanes_below(std::size_t count) {
  return count >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << count) - 1U);
}

std::size_t visible(const Half* mask, std::size_t cells, std::int32_t* indices) {
  constexpr Half kMasked = 0xFC00;  // -infinity
  const __m512i masked = _mm512_set1_epi16(static_cast<short>(kMasked));
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 32 <= cells; i += 32) {
    const __mmask32 open = _mm512_cmpneq_epi16_mask(_mm512_loadu_si512(mask + i), masked);
    if (open == 0) continue;
    const __m512i first = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(i)));
    const auto low = static_cast<__mmask16>(open);
    const auto high = static_cast<__mmask16>(open >> 16U);
    // No more than i indices came before, so a whole vector has room.
    _mm512_storeu_si512(indices + count, _mm512_maskz_compress_epi32(low, first));
    count += static_cast<std::size_t>(__builtin_popcount(low));
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(16));
    _mm512_storeu_si512(indices + count, _mm512_maskz_compress_epi32(high, second));
    count += static_cast<std::size_t>(__builtin_popcount(high));
  }
  for (; i < cells; ++i) {
    if (mask[i] != kMasked) indices[count++] = static_cast<std::int32_t>(i);
  }
  return count;
}

// Eight inputs of each of the eight keys, one key after the other, then the next eight inputs: two keys a
// vector.
void widen_keys(const Half* const* from, std::size_t size, float* to) {
  const auto eight = [](const Half* halves) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves));
  };
  for (std::size_t i = 0; i < size; i += 8) {
    for (std::size_t j = 0; j < kKeyTile; j += 2, to += 16) {
      const __m256i two =
          _mm256_inserti128_si256(_mm256_castsi128_si256(eight(from[j] + i)), eight(from[j + 1] + i), 1);
      _mm512_storeu_ps(to, _mm512_cvtph_ps(two));
    }
  }
}

void widen_value(const Half* from, std::size_t size, double* to) {
  for (std::size_t i = 0; i < size; i += 8) {
    const __m256 values = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
    _mm512_storeu_pd(to + i, _mm512_cvtps_pd(values));
  }
}

// Lanes j and j + 4 of four keys, added.
__m512 add_halves(__m512 two, __m512 next_two) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(two, next_two, _MM_SHUFFLE(2, 0, 2, 0)),
                       _mm512_shuffle_f32x4(two, next_two, _MM_SHUFFLE(3, 1, 3, 1)));
}

// The sums of eight keys, each in the order that dot() of the reference has.
__m256 sums_of(const __m512 (&all)[kKeyTile / 2]) {
  const __m512 low = add_halves(all[0], all[1]);
  const __m512 high = add_halves(all[2], all[3]);
  // Lanes j and j + 2: of keys g and 4 + g in the 128 bits g.
  const __m512 pairs = _mm512_add_ps(_mm512_shuffle_ps(low, high, _MM_SHUFFLE(1, 0, 1, 0)),
                                     _mm512_shuffle_ps(low, high, _MM_SHUFFLE(3, 2, 3, 2)));
  const __m512 sums = _mm512_add_ps(_mm512_shuffle_ps(pairs, pairs, _MM_SHUFFLE(2, 0, 2, 0)),
                                    _mm512_shuffle_ps(pairs, pairs, _MM_SHUFFLE(3, 1, 3, 1)));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_castps512_ps256(_mm512_permutexvar_ps(order, sums));
}

template <int Rows>
void dots_of(const float* queries, const float* keys, std::size_t size, float* out, std::size_t stride) {
  __m512 all[Rows][kKeyTile / 2];
#pragma GCC unroll 3
  for (auto& row : all) {
#pragma GCC unroll 4
    for (auto& sum : row) sum = _mm512_setzero_ps();
  }
  for (std::size_t i = 0; i < size; i += 8, keys += 8 * kKeyTile) {
    __m512 key[kKeyTile / 2];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kKeyTile / 2; ++j) key[j] = _mm512_loadu_ps(keys + 16 * j);
#pragma GCC unroll 3
    for (std::size_t row = 0; row < Rows; ++row) {
      const __m512 query = _mm512_broadcast_f32x8(_mm256_loadu_ps(queries + row * size + i));
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kKeyTile / 2; ++j)
        all[row][j] = _mm512_fmadd_ps(query, key[j], all[row][j]);
    }
  }
#pragma GCC unroll 3
  for (std::size_t row = 0; row < Rows; ++row) _mm256_storeu_ps(out + row * stride, sums_of(all[row]));
}

void dots(const float* queries, std::size_t rows, const float* keys, std::size_t size, float* out,
          std::size_t stride) {
  for (; rows >= 3; rows -= 3, queries += 3 * size, out += 3 * stride) {
    dots_of<3>(queries, keys, size, out, stride);
  }
  if (rows == 2) return dots_of<2>(queries, keys, size, out, stride);
  if (rows == 1) return dots_of<1>(queries, keys, size, out, stride);
}

float finish_scores(float* scores, std::size_t count, float scale, const float* mask, float slope) {
  __m512 largest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < count; i += 16) {
    const __mmask16 there = lanes_below(count - i);
    const __m512 score = _mm512_maskz_loadu_ps(there, scores + i);
    const __m512 bias = _mm512_maskz_loadu_ps(there, mask + i);
    const __m512 sum = _mm512_add_ps(_mm512_mul_ps(score, _mm512_set1_ps(scale)),
                                     _mm512_mul_ps(_mm512_set1_ps(slope), bias));
    _mm512_mask_storeu_ps(scores + i, there, sum);
    // The second operand wins against NaN.
    largest = _mm512_mask_max_ps(largest, there, sum, largest);
  }
  return _mm512_reduce_max_ps(largest);
}

__m512 exponential(__m512 x) {
  using namespace expf_constants;
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(kLog2E)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r =
      _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Low), _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2High), x));
  __m512 p = _mm512_set1_ps(kPolynomial[0]);
#pragma GCC unroll 8
  for (std::size_t i = 1; i < std::size(kPolynomial); ++i) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kPolynomial[i]));
  }
  const __m512 result = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0F));
  const __m512 value = _mm512_scalef_ps(result, n);
  const __mmask16 not_under = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kLowest), _CMP_NLT_UQ);
  const __mmask16 unordered = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  return _mm512_mask_mov_ps(_mm512_maskz_mov_ps(not_under, value), unordered, x);
}

__m512d add_wide(__m512d sum, __m512 values) {
  return _mm512_add_pd(sum, _mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(values)),
                                          _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1))));
}

__m512 rounded(__m512 values, float unit) {
  return _mm512_roundscale_ps(_mm512_mul_ps(values, _mm512_set1_ps(unit)),
                              _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// Sums of integers: any order.
double exponentials(float* scores, std::size_t count, float largest) {
  const __m512 top = _mm512_set1_ps(largest);
  __m512d sum = _mm512_setzero_pd();
  for (std::size_t i = 0; i < count; i += 16) {
    const __mmask16 there = lanes_below(count - i);
    const __m512 score = _mm512_maskz_loadu_ps(there, scores + i);
    const __m512 value = _mm512_maskz_mov_ps(there, exponential(_mm512_sub_ps(score, top)));
    _mm512_mask_storeu_ps(scores + i, there, value);
    sum = add_wide(sum, rounded(value, 0x1p20F));
  }
  return _mm512_reduce_add_pd(sum) * 0x1p-20;
}

double weights(float* exponentials, std::size_t count, float unit) {
  __m512d sum = _mm512_setzero_pd();
  for (std::size_t i = 0; i < count; i += 16) {
    const __mmask16 there = lanes_below(count - i);
    const __m512 value = rounded(_mm512_maskz_loadu_ps(there, exponentials + i), unit);
    _mm512_mask_storeu_ps(exponentials + i, there, value);
    sum = add_wide(sum, value);
  }
  return _mm512_reduce_add_pd(sum);
}

// `Rows` rows times 8 * Vectors inputs of the values.
template <int Rows, int Vectors>
void accumulate_block(const double (*weights)[kValueTile], const double* values, std::size_t count,
                      std::size_t size, double* sums) {
  __m512d all[Rows][Vectors];
#pragma GCC unroll 3
  for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) all[row][j] = _mm512_loadu_pd(sums + row * size + 8 * j);
  }
  for (std::size_t i = 0; i < count; ++i, values += size) {
    __m512d value[Vectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) value[j] = _mm512_loadu_pd(values + 8 * j);
#pragma GCC unroll 3
    for (std::size_t row = 0; row < Rows; ++row) {
      const __m512d weight = _mm512_set1_pd(weights[row][i]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) all[row][j] = _mm512_fmadd_pd(weight, value[j], all[row][j]);
    }
  }
#pragma GCC unroll 3
  for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) _mm512_storeu_pd(sums + row * size + 8 * j, all[row][j]);
  }
}

template <int Rows>
void accumulate_rows(const float* weights, std::size_t stride, const double* values, std::size_t count,
                     std::size_t size, double* sums) {
  double wide[Rows][kValueTile];
  for (std::size_t row = 0; row < Rows; ++row) {
    const __m512 sixteen = _mm512_maskz_loadu_ps(lanes_below(count), weights + row * stride);
    _mm512_storeu_pd(wide[row], _mm512_cvtps_pd(_mm512_castps512_ps256(sixteen)));
    _mm512_storeu_pd(wide[row] + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(sixteen, 1)));
  }
  std::size_t d = 0;
  for (; d + 32 <= size; d += 32) accumulate_block<Rows, 4>(wide, values + d, count, size, sums + d);
  for (; d < size; d += 8) accumulate_block<Rows, 1>(wide, values + d, count, size, sums + d);
}

void accumulate(const float* weights, std::size_t stride, std::size_t rows, const double* values,
                std::size_t count, std::size_t size, double* sums) {
  static_assert(kValueTile == 16);
  for (; rows >= 3; rows -= 3, weights += 3 * stride, sums += 3 * size) {
    accumulate_rows<3>(weights, stride, values, count, size, sums);
  }
  if (rows == 2) return accumulate_rows<2>(weights, stride, values, count, size, sums);
  if (rows == 1) return accumulate_rows<1>(weights, stride, values, count, size, sums);
}

}  // namespace

const AttentionKernels kAvx512Attention = {"avx512",      visible,      widen_keys, widen_value, dots,
                                           finish_scores, exponentials, weights,    accumulate};

}  // namespace sovereign::kernels
