// AVX2 kernels of attention; attention_kernels.h defines what they compute.
#include <immintrin.h>

#include <cmath>
#include <iterator>
#include <limits>

#include "kernels/attention_kernels.h"

namespace sovereign::kernels {

extern const AttentionKernels kAvx2Attention;

namespace {

__m256 load_half(const Half* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// For the lanes of the last vector that are there.
__m256i lanes_below(std::size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

std::size_t visible(const Half* mask, std::size_t cells, std::int32_t* indices) {
  constexpr Half kMasked = 0xFC00;  // -infinity
  const __m256i masked = _mm256_set1_epi16(static_cast<short>(kMasked));
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 16 <= cells; i += 16) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + i));
    const auto equal = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(values, masked)));
    // Two bits for each cell; in a cache of many sequences most vectors have none.
    for (std::uint32_t open = ~equal & 0x55555555U; open != 0; open &= open - 1) {
      indices[count++] = static_cast<std::int32_t>(i) + __builtin_ctz(open) / 2;
    }
  }
  for (; i < cells; ++i) {
    if (mask[i] != kMasked) indices[count++] = static_cast<std::int32_t>(i);
  }
  return count;
}

void widen_keys(const Half* const* from, std::size_t size, float* to) {
  for (std::size_t j = 0; j < kKeyTile; ++j, to += size) {
    for (std::size_t i = 0; i < size; i += 8) _mm256_storeu_ps(to + i, load_half(from[j] + i));
  }
}

void widen_value(const Half* from, std::size_t size, double* to) {
  for (std::size_t i = 0; i < size; i += 8) {
    const __m256 values = load_half(from + i);
    _mm256_storeu_pd(to + i, _mm256_cvtps_pd(_mm256_castps256_ps128(values)));
    _mm256_storeu_pd(to + i + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1)));
  }
}

// Lanes j and j + 4 of both, added: a's four, then b's.
__m256 add_halves(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

// The eight sums of eight vectors, each in the order that dot() of the reference has.
__m256 sums_of(const __m256 (&all)[8]) {
  // Pairs are chosen so that the result comes out in order.
  const __m256 s04 = add_halves(all[0], all[4]);
  const __m256 s15 = add_halves(all[1], all[5]);
  const __m256 s26 = add_halves(all[2], all[6]);
  const __m256 s37 = add_halves(all[3], all[7]);
  // In each half: lanes j and j + 2.
  const __m256 a = _mm256_add_ps(_mm256_shuffle_ps(s04, s15, _MM_SHUFFLE(1, 0, 1, 0)),
                                 _mm256_shuffle_ps(s04, s15, _MM_SHUFFLE(3, 2, 3, 2)));
  const __m256 b = _mm256_add_ps(_mm256_shuffle_ps(s26, s37, _MM_SHUFFLE(1, 0, 1, 0)),
                                 _mm256_shuffle_ps(s26, s37, _MM_SHUFFLE(3, 2, 3, 2)));
  return _mm256_add_ps(_mm256_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)),
                       _mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)));
}

void dots(const float* queries, std::size_t rows, const float* keys, std::size_t size, float* out,
          std::size_t stride) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* query = queries + row * size;
    __m256 all[kKeyTile];
    for (auto& sum : all) sum = _mm256_setzero_ps();
    for (std::size_t i = 0; i < size; i += 8) {
      const __m256 q = _mm256_loadu_ps(query + i);
#pragma GCC unroll 8
      for (std::size_t j = 0; j < kKeyTile; ++j) {
        all[j] = _mm256_fmadd_ps(q, _mm256_loadu_ps(keys + j * size + i), all[j]);
      }
    }
    _mm256_storeu_ps(out + row * stride, sums_of(all));
  }
}

float largest_lane(__m256 values) {
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

float finish_scores(float* scores, std::size_t count, float scale, const float* mask, float slope) {
  const __m256 lowest = _mm256_set1_ps(-std::numeric_limits<float>::infinity());
  __m256 largest = lowest;
  for (std::size_t i = 0; i < count; i += 8) {
    const __m256i there = lanes_below(count - i);
    const __m256 score = _mm256_maskload_ps(scores + i, there);
    const __m256 bias = _mm256_maskload_ps(mask + i, there);
    const __m256 sum = _mm256_add_ps(_mm256_mul_ps(score, _mm256_set1_ps(scale)),
                                     _mm256_mul_ps(_mm256_set1_ps(slope), bias));
    _mm256_maskstore_ps(scores + i, there, sum);
    // The second operand wins against NaN.
    largest = _mm256_max_ps(_mm256_blendv_ps(lowest, sum, _mm256_castsi256_ps(there)), largest);
  }
  return largest_lane(largest);
}

__m256 exponential(__m256 x) {
  using namespace expf_constants;
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(kLog2E)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 r =
      _mm256_fmadd_ps(n, _mm256_set1_ps(-kLn2Low), _mm256_fmadd_ps(n, _mm256_set1_ps(-kLn2High), x));
  __m256 p = _mm256_set1_ps(kPolynomial[0]);
  for (std::size_t i = 1; i < std::size(kPolynomial); ++i) {
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kPolynomial[i]));
  }
  const __m256 result = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1.0F));
  const __m256i power =
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  const __m256 value = _mm256_mul_ps(result, _mm256_castsi256_ps(power));
  const __m256 under = _mm256_cmp_ps(x, _mm256_set1_ps(kLowest), _CMP_LT_OQ);
  const __m256 unordered = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
  return _mm256_blendv_ps(_mm256_andnot_ps(under, value), x, unordered);
}

__m256d add_wide(__m256d sum, __m256 values) {
  return _mm256_add_pd(sum, _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(values)),
                                          _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1))));
}

// Integers: any order.
double sum_lanes(__m256d values) {
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(values), _mm256_extractf128_pd(values, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

__m256 rounded(__m256 values, float unit) {
  return _mm256_round_ps(_mm256_mul_ps(values, _mm256_set1_ps(unit)),
                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

double exponentials(float* scores, std::size_t count, float largest) {
  const __m256 top = _mm256_set1_ps(largest);
  __m256d sum = _mm256_setzero_pd();
  for (std::size_t i = 0; i < count; i += 8) {
    const __m256i there = lanes_below(count - i);
    const __m256 score = _mm256_maskload_ps(scores + i, there);
    const __m256 value = _mm256_and_ps(exponential(_mm256_sub_ps(score, top)), _mm256_castsi256_ps(there));
    _mm256_maskstore_ps(scores + i, there, value);
    sum = add_wide(sum, rounded(value, 0x1p20F));
  }
  return sum_lanes(sum) * 0x1p-20;
}

double weights(float* exponentials, std::size_t count, float unit) {
  __m256d sum = _mm256_setzero_pd();
  for (std::size_t i = 0; i < count; i += 8) {
    const __m256i there = lanes_below(count - i);
    const __m256 value = rounded(_mm256_maskload_ps(exponentials + i, there), unit);
    _mm256_maskstore_ps(exponentials + i, there, value);
    sum = add_wide(sum, value);
  }
  return sum_lanes(sum);
}

// `Rows` rows times 16 inputs of the values.
template <int Rows, int Vectors>
void accumulate_block(const double (*weights)[kValueTile], const double* values, std::size_t count,
                      std::size_t size, double* sums) {
  __m256d all[Rows][Vectors];
#pragma GCC unroll 3
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) {
      all[row][j] = _mm256_loadu_pd(sums + static_cast<std::size_t>(row) * size + 4 * j);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    __m256d value[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) value[j] = _mm256_loadu_pd(values + i * size + 4 * j);
#pragma GCC unroll 3
    for (int row = 0; row < Rows; ++row) {
      const __m256d weight = _mm256_broadcast_sd(&weights[row][i]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) all[row][j] = _mm256_fmadd_pd(weight, value[j], all[row][j]);
    }
  }
#pragma GCC unroll 3
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) {
      _mm256_storeu_pd(sums + static_cast<std::size_t>(row) * size + 4 * j, all[row][j]);
    }
  }
}

template <int Rows>
void accumulate_rows(const float* weights, std::size_t stride, const double* values, std::size_t count,
                     std::size_t size, double* sums) {
  double wide[Rows][kValueTile];
  for (int row = 0; row < Rows; ++row) {
    for (std::size_t i = 0; i < count; ++i)
      wide[row][i] = weights[static_cast<std::size_t>(row) * stride + i];
  }
  std::size_t d = 0;
  for (; d + 16 <= size; d += 16) accumulate_block<Rows, 4>(wide, values + d, count, size, sums + d);
  for (; d < size; d += 8) accumulate_block<Rows, 2>(wide, values + d, count, size, sums + d);
}

void accumulate(const float* weights, std::size_t stride, std::size_t rows, const double* values,
                std::size_t count, std::size_t size, double* sums) {
  for (; rows >= 3; rows -= 3, weights += 3 * stride, sums += 3 * size) {
    accumulate_rows<3>(weights, stride, values, count, size, sums);
  }
  if (rows == 2) return accumulate_rows<2>(weights, stride, values, count, size, sums);
  if (rows == 1) return accumulate_rows<1>(weights, stride, values, count, size, sums);
}

}  // namespace

const AttentionKernels kAvx2Attention = {"avx2",        visible,      widen_keys, widen_value, dots,
                                         finish_scores, exponentials, weights,    accumulate};

}  // namespace sovereign::kernels
