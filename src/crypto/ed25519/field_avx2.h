// Four field elements side by side in AVX2 registers, as floating-point numbers: five limbs of 51 bits, each
// a whole number in a double. Included by backend_avx2.cpp only, between SOVEREIGN_AVX2_BEGIN and _END.
//
// AVX2 multiplies 32-bit integers at most; its fused multiply-add sees all 106 bits of the product of two
// doubles, rounds once, and so gives both halves of it (Dekker 1971; Emmart, Zheng, Weems 2018):
//   high = a b + kHighShift            the product rounded to a multiple of 2^51, since that is the last bit
//   of
//                                      a double of this size
//   low  = a b + (kSplit - high)       what is left, exactly; kLowShift = kSplit - kHighShift away from zero
// As 64-bit integers, the two are the constants' bits plus product / 2^51 and the rest: sums of products are
// sums of integers, from which the constants' bits are taken at the end. That is 125 instructions for 25
// products of 51 bits, where ten limbs of 25.5 bits take 200.
//
// Bounds. Tight: |limb| <= 2^50 + 2^10; products and carry() are tight. Loose: up to 2^51 + 2^11, as the sum
// or difference of two tight ones. mul takes a loose and a tight factor, square a tight one: then |a b| <
// 2^102, within which kHighShift + a b stays in [2^103, 2^104). Rounding must be to nearest, as it is by
// default.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/ed25519/field51.h"

namespace sovereign::crypto::ed25519 {

struct FieldX4 {
  __m256d limb[5];
};

// The bits of the doubles below, of which one unit is the last bit.
inline constexpr double kHighShift = 0x1.8p103;  // one unit: 2^51
inline constexpr double kLowShift = 0x1.8p52;    // one unit: 1
inline constexpr double kSplit = kHighShift + kLowShift;
inline constexpr std::int64_t kHighShiftBits = 0x4668000000000000;
inline constexpr std::int64_t kLowShiftBits = 0x4338000000000000;
inline constexpr std::int64_t kOneP52Bits = 0x4330000000000000;  // of 2^52

// Sums of products are under 2^58 in magnitude: with kBias they are positive, and with half a limb more, what
// is left of a limb after the carry is centred at zero.
inline constexpr std::int64_t kHalfLimb = std::int64_t{1} << 50;
inline constexpr std::int64_t kBias = std::int64_t{1} << 59;
inline constexpr std::int64_t kBiasCarry = kBias >> 51;

// Where the sum at position k begins, so that the constants in its low and high parts cancel. Positions 5 to
// 9 are multiplied by 19 later and take no bias.
constexpr std::int64_t first_sum(int k) {
  const auto terms = [](int position) {
    return position < 0 || position > 8 ? 0 : (position < 5 ? position + 1 : 9 - position);
  };
  const std::uint64_t shifts =
      static_cast<std::uint64_t>(terms(k)) * static_cast<std::uint64_t>(kLowShiftBits) +
      static_cast<std::uint64_t>(terms(k - 1)) * static_cast<std::uint64_t>(kHighShiftBits);
  return static_cast<std::int64_t>((k < 5 ? static_cast<std::uint64_t>(kBias + kHalfLimb) : 0) - shifts);
}

// For squares, in which a product of two different limbs is taken once, doubled.
constexpr std::int64_t first_sum_of_square(int k) {
  const auto terms = [](int position) {
    return position < 0 || position > 8 ? 0 : ((position < 5 ? position + 1 : 9 - position) + 1) / 2;
  };
  const std::uint64_t shifts =
      static_cast<std::uint64_t>(terms(k)) * static_cast<std::uint64_t>(kLowShiftBits) +
      static_cast<std::uint64_t>(terms(k - 1)) * static_cast<std::uint64_t>(kHighShiftBits);
  return static_cast<std::int64_t>((k < 5 ? static_cast<std::uint64_t>(kBias + kHalfLimb) : 0) - shifts);
}

// a b, added to the sums of its position and of the next.
[[gnu::always_inline]] static inline void add_product(__m256i* sum, int position, __m256d a, __m256d b) {
  const __m256d high = _mm256_fmadd_pd(a, b, _mm256_set1_pd(kHighShift));
  const __m256d low = _mm256_fmadd_pd(a, b, _mm256_sub_pd(_mm256_set1_pd(kSplit), high));
  sum[position] = _mm256_add_epi64(sum[position], _mm256_castpd_si256(low));
  sum[position + 1] = _mm256_add_epi64(sum[position + 1], _mm256_castpd_si256(high));
}

// From the sums of products, with their bias, to limbs.
[[gnu::always_inline]] static inline FieldX4 limbs_of(__m256i* sum) {
  const __m256i mask = _mm256_set1_epi64x(static_cast<std::int64_t>(kMask51));
  __m256i over[5];
#pragma GCC unroll 5
  for (int k = 0; k < 5; ++k) {
    const __m256i wrapped = sum[k + 5];  // 2^255 = 19
    const __m256i times18 = _mm256_add_epi64(_mm256_slli_epi64(wrapped, 4), _mm256_slli_epi64(wrapped, 1));
    sum[k] = _mm256_add_epi64(_mm256_add_epi64(sum[k], wrapped), times18);
    over[k] = _mm256_srli_epi64(sum[k], 51);
    sum[k] = _mm256_and_si256(sum[k], mask);
  }
  FieldX4 out;
#pragma GCC unroll 5
  for (int k = 0; k < 5; ++k) {
    const __m256i carried =
        k == 0 ? _mm256_mul_epu32(over[4], _mm256_set1_epi64x(19)) : over[k == 0 ? 0 : k - 1];
    // Under 2^52, so its bits below those of 2^52 make a double.
    const __m256i digits = _mm256_add_epi64(sum[k], carried);
    const double zero = 0x1p52 + static_cast<double>(kHalfLimb + kBiasCarry * (k == 0 ? 19 : 1));
    out.limb[k] = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(digits, _mm256_set1_epi64x(kOneP52Bits))),
                                _mm256_set1_pd(zero));
  }
  return out;
}

// Loose times tight.
[[gnu::always_inline]] static inline FieldX4 mul(const FieldX4& f, const FieldX4& g) {
  __m256i sum[10];
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) sum[k] = _mm256_set1_epi64x(first_sum(k));
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i)
#pragma GCC unroll 5
    for (int j = 0; j < 5; ++j) add_product(sum, i + j, f.limb[i], g.limb[j]);
  return limbs_of(sum);
}

// Of a tight element.
[[gnu::always_inline]] static inline FieldX4 square(const FieldX4& f) {
  __m256i sum[10];
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) sum[k] = _mm256_set1_epi64x(first_sum_of_square(k));
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    add_product(sum, 2 * i, f.limb[i], f.limb[i]);
    const __m256d twice = _mm256_add_pd(f.limb[i], f.limb[i]);
#pragma GCC unroll 4
    for (int j = i + 1; j < 5; ++j) add_product(sum, i + j, twice, f.limb[j]);
  }
  return limbs_of(sum);
}

// Tight, from limbs under 2^53 in magnitude.
[[gnu::always_inline]] static inline FieldX4 carry(const FieldX4& a) {
  const __m256d shift = _mm256_set1_pd(kHighShift);
  __m256d over[5];  // multiples of 2^51
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) over[i] = _mm256_sub_pd(_mm256_add_pd(a.limb[i], shift), shift);
  FieldX4 out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    const __m256d rest = _mm256_sub_pd(a.limb[i], over[i]);
    out.limb[i] =
        _mm256_fmadd_pd(over[i == 0 ? 4 : i - 1], _mm256_set1_pd(i == 0 ? 19 * 0x1p-51 : 0x1p-51), rest);
  }
  return out;
}

// Tight, from limbs under 2^52.
static FieldX4 pack(const Field51& a, const Field51& b, const Field51& c, const Field51& d) {
  const auto limb = [](const Field51& f, int i) { return static_cast<long long>(f.limb[i]); };
  FieldX4 out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    const __m256i whole = _mm256_set_epi64x(limb(d, i), limb(c, i), limb(b, i), limb(a, i));
    out.limb[i] = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(whole, _mm256_set1_epi64x(kOneP52Bits))),
                                _mm256_set1_pd(0x1p52));
  }
  return carry(out);
}

// Tight, from tight.
static void unpack(const FieldX4& packed, Field51* out) {
  for (int i = 0; i < 5; ++i) {
    // With 2 p, which makes every limb positive.
    const std::int64_t two_p = 2 * static_cast<std::int64_t>(i == 0 ? kMask51 - 18 : kMask51);
    const __m256i whole = _mm256_castpd_si256(_mm256_add_pd(packed.limb[i], _mm256_set1_pd(kLowShift)));
    alignas(32) std::uint64_t lanes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes),
                       _mm256_add_epi64(whole, _mm256_set1_epi64x(two_p - kLowShiftBits)));
    for (int lane = 0; lane < 4; ++lane) out[lane].limb[i] = lanes[lane];
  }
  for (int lane = 0; lane < 4; ++lane) out[lane] = carry(out[lane]);
}

}  // namespace sovereign::crypto::ed25519
