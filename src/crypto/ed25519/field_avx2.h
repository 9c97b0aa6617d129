// Four field elements side by side in AVX2 registers, in the radix 2^25.5 of ten limbs. Included by
// backend_avx2.cpp only, between SOVEREIGN_AVX2_BEGIN and _END.
//
// The limbs have 26, 25, 26, … bits. Vector i holds limbs 2i and 2i+1 of all four: each 64-bit lane is one
// element, its lower half the even limb. The 32x32-bit multiplication reads lower halves only, so even limbs
// are used as they lie, and odd ones after one shift.
//
// Bounds (even/odd limbs). Tight: 2^26 + 2^17 / 2^25 + 2^16; products and carry() are tight. Factors of mul:
// 1.51 * 2^27 / 1.51 * 2^26, so that 19 times a limb fits 32 bits, and a sum of ten products 2^62.2. Factors
// of square: 2^27.1 / 2^26.1. Minus is plus 2p minus, for a tight subtrahend.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/ed25519/field51.h"

namespace sovereign::crypto::ed25519 {

struct FieldX4 {
  __m256i pair[5];
};

inline constexpr std::int64_t kMask26 = (1 << 26) - 1;
inline constexpr std::int64_t kMask25 = (1 << 25) - 1;

// Carries all limbs at once, twice, and packs them: tight.
[[gnu::always_inline]] static inline void carry_and_pack(__m256i* h, FieldX4& out) {
  const __m256i mask26 = _mm256_set1_epi64x(kMask26);
  const __m256i mask25 = _mm256_set1_epi64x(kMask25);
#pragma GCC unroll 2
  for (int round = 0; round < 2; ++round) {
    __m256i over[10];
#pragma GCC unroll 5
    for (int i = 0; i < 10; i += 2) {
      over[i] = _mm256_srli_epi64(h[i], 26);
      over[i + 1] = _mm256_srli_epi64(h[i + 1], 25);
      h[i] = _mm256_and_si256(h[i], mask26);
      h[i + 1] = _mm256_and_si256(h[i + 1], mask25);
    }
#pragma GCC unroll 9
    for (int i = 1; i < 10; ++i) h[i] = _mm256_add_epi64(h[i], over[i - 1]);
    // 19 = 16 + 2 + 1; the carry has up to 38 bits, too many for a 32-bit multiplication.
    const __m256i times18 = _mm256_add_epi64(_mm256_slli_epi64(over[9], 4), _mm256_slli_epi64(over[9], 1));
    h[0] = _mm256_add_epi64(h[0], _mm256_add_epi64(times18, over[9]));
  }
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) out.pair[i] = _mm256_or_si256(h[2 * i], _mm256_slli_epi64(h[2 * i + 1], 32));
}

[[gnu::noinline]] static void mul(FieldX4& out, const FieldX4& f, const FieldX4& g) {
  const __m256i nineteen = _mm256_set1_epi64x(19);
  __m256i g1[10], g19[10], h[10];
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    g1[2 * i] = g.pair[i];
    g1[2 * i + 1] = _mm256_srli_epi64(g.pair[i], 32);
  }
#pragma GCC unroll 9
  for (int j = 1; j < 10; ++j) g19[j] = _mm256_mul_epu32(g1[j], nineteen);
#pragma GCC unroll 10
  for (int j = 0; j < 10; ++j) h[j] = _mm256_mul_epu32(f.pair[0], g1[j]);
#pragma GCC unroll 9
  for (int i = 1; i < 10; ++i) {
    const __m256i once = i % 2 == 0 ? f.pair[i / 2] : _mm256_srli_epi64(f.pair[i / 2], 32);
    // Two odd limbs: 2^25.5 each was rounded up, so their product counts twice.
    const __m256i twice = _mm256_add_epi32(once, once);
#pragma GCC unroll 10
    for (int j = 0; j < 10; ++j) {
      const __m256i factor = i % 2 == 1 && j % 2 == 1 ? twice : once;
      const __m256i product = _mm256_mul_epu32(factor, i + j >= 10 ? g19[j] : g1[j]);
      h[(i + j) % 10] = _mm256_add_epi64(h[(i + j) % 10], product);
    }
  }
  carry_and_pack(h, out);
}

[[gnu::always_inline]] static inline void square_here(FieldX4& out, const FieldX4& f) {
  const __m256i nineteen = _mm256_set1_epi64x(19);
  const __m256i thirty_eight = _mm256_set1_epi64x(38);
  __m256i once[10], twice[10], wrapped[10], h[10];
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    const __m256i doubled = _mm256_add_epi32(f.pair[i], f.pair[i]);
    once[2 * i] = f.pair[i];
    once[2 * i + 1] = _mm256_srli_epi64(f.pair[i], 32);
    twice[2 * i] = doubled;
    twice[2 * i + 1] = _mm256_srli_epi64(doubled, 32);
  }
#pragma GCC unroll 5
  for (int j = 5; j < 10; ++j) wrapped[j] = _mm256_mul_epu32(once[j], j % 2 == 1 ? thirty_eight : nineteen);
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) {
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
      const int j = (k - i + 10) % 10;
      if (i > j) continue;
      const bool wraps = i + j >= 10;
      const bool both_odd = i % 2 == 1 && j % 2 == 1;
      __m256i a, b;
      if (wraps) {
        b = wrapped[j];
        // Already doubled for an odd j, which is one too many when i is even.
        a = i == j || (i % 2 == 0 && j % 2 == 1) ? once[i] : twice[i];
      } else {
        a = i == j && !both_odd ? once[i] : twice[i];
        b = i != j && both_odd ? twice[j] : once[j];
      }
      sum = _mm256_add_epi64(sum, _mm256_mul_epu32(a, b));
    }
    h[k] = sum;
  }
  carry_and_pack(h, out);
}

[[gnu::noinline]] static void square(FieldX4& out, const FieldX4& f) { square_here(out, f); }

static void square_times(FieldX4& out, const FieldX4& f, int times) {
  out = f;
  for (; times > 0; --times) square_here(out, out);
}

// One round of carries, for limbs up to 2^31.
[[gnu::always_inline]] static inline void carry(FieldX4& a) {
  const __m256i shifts = _mm256_set1_epi64x(25LL << 32 | 26);
  const __m256i masks = _mm256_set1_epi64x(kMask25 << 32 | kMask26);
  __m256i over[5];
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    over[i] = _mm256_shuffle_epi32(_mm256_srlv_epi32(a.pair[i], shifts), 0xB1);  // halves change places
    a.pair[i] = _mm256_and_si256(a.pair[i], masks);
  }
  const __m256i wrapped = _mm256_mul_epu32(over[4], _mm256_set1_epi64x(19));
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    // Into odd limbs from the even one beside it, into even limbs from the vector before.
    const __m256i carried = _mm256_blend_epi32(i == 0 ? wrapped : over[i == 0 ? 0 : i - 1], over[i], 0xAA);
    a.pair[i] = _mm256_add_epi32(a.pair[i], carried);
  }
}

static FieldX4 pack(const Field51& a, const Field51& b, const Field51& c, const Field51& d) {
  const __m256i mask26 = _mm256_set1_epi64x(kMask26);
  FieldX4 out;
  for (int i = 0; i < 5; ++i) {
    const auto limb = [i](const Field51& f) { return static_cast<long long>(f.limb[i]); };
    const __m256i limbs = _mm256_set_epi64x(limb(d), limb(c), limb(b), limb(a));
    const __m256i odd = _mm256_srli_epi64(limbs, 26);
    out.pair[i] = _mm256_or_si256(_mm256_and_si256(limbs, mask26), _mm256_slli_epi64(odd, 32));
  }
  return out;
}

// From tight elements; tight.
static void unpack(const FieldX4& packed, Field51* out) {
  for (int i = 0; i < 5; ++i) {
    alignas(32) std::uint64_t lanes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), packed.pair[i]);
    for (int lane = 0; lane < 4; ++lane)
      out[lane].limb[i] = (lanes[lane] & 0xFFFFFFFF) + (lanes[lane] >> 32 << 26);
  }
  for (int lane = 0; lane < 4; ++lane) out[lane] = carry(out[lane]);
}

// a^((p - 5) / 8), four at once; the chain of field51.cpp.
static FieldX4 power_p58(const FieldX4& a) {
  FieldX4 t, a2, a9, a11, e5, e10, e20, e50, e100;
  square(a2, a);
  square_times(t, a2, 2);
  mul(a9, a, t);
  mul(a11, a2, a9);
  square(t, a11);
  mul(e5, a9, t);
  square_times(t, e5, 5);
  mul(e10, t, e5);
  square_times(t, e10, 10);
  mul(e20, t, e10);
  square_times(t, e20, 20);
  mul(t, t, e20);
  square_times(t, t, 10);
  mul(e50, t, e10);
  square_times(t, e50, 50);
  mul(e100, t, e50);
  square_times(t, e100, 100);
  mul(t, t, e100);
  square_times(t, t, 50);
  mul(t, t, e50);
  square_times(t, t, 2);
  mul(t, t, a);
  return t;
}

}  // namespace sovereign::crypto::ed25519
