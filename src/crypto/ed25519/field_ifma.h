// Field elements side by side, one per 64-bit lane, in AVX-512 registers: five limbs of 51 bits, unsigned.
// Included by backend_ifma.cpp only, between SOVEREIGN_IFMA_BEGIN and _END.
//
// The instructions multiply numbers of 52 bits and add the lower or the upper 52 bits of the product to a
// sum. Limbs of 51 bits leave the bit that a carry done in all limbs at once needs; the upper halves then
// count twice, which is done once per sum of them.
//
// Sums of products are carried no sooner than they must be: what is added to or subtracted from a product is
// added to its sums, so that a product and what follows cost one carry together.
//
// Bounds. Tight: limbs under 2^51 + 2^16; carry() gives it, from sums under 2^62. Factors: limbs under 2^52,
// as tight ones are, and 2 p minus a tight one. Products: under 498 * 2^50 of tight factors, under 2^60 of
// others. minus() adds kSumsBias, so its second operand may have limbs up to 2^61 - 2^15.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/ed25519/field51.h"

namespace sovereign::crypto::ed25519 {

struct FourLanes {
  using Vector = __m256i;
  [[gnu::always_inline]] static inline Vector all(std::uint64_t x) {
    return _mm256_set1_epi64x(static_cast<long long>(x));
  }
  [[gnu::always_inline]] static inline Vector add(Vector a, Vector b) { return _mm256_add_epi64(a, b); }
  [[gnu::always_inline]] static inline Vector sub(Vector a, Vector b) { return _mm256_sub_epi64(a, b); }
  [[gnu::always_inline]] static inline Vector both(Vector a, Vector b) { return _mm256_and_si256(a, b); }
  template <int bits>
  [[gnu::always_inline]] static inline Vector left(Vector a) {
    return _mm256_slli_epi64(a, bits);
  }
  template <int bits>
  [[gnu::always_inline]] static inline Vector right(Vector a) {
    return _mm256_srli_epi64(a, bits);
  }
  [[gnu::always_inline]] static inline Vector add_low(Vector sum, Vector a, Vector b) {
    return _mm256_madd52lo_epu64(sum, a, b);
  }
  [[gnu::always_inline]] static inline Vector add_high(Vector sum, Vector a, Vector b) {
    return _mm256_madd52hi_epu64(sum, a, b);
  }
};

struct EightLanes {
  using Vector = __m512i;
  [[gnu::always_inline]] static inline Vector all(std::uint64_t x) {
    return _mm512_set1_epi64(static_cast<long long>(x));
  }
  [[gnu::always_inline]] static inline Vector add(Vector a, Vector b) { return _mm512_add_epi64(a, b); }
  [[gnu::always_inline]] static inline Vector sub(Vector a, Vector b) { return _mm512_sub_epi64(a, b); }
  [[gnu::always_inline]] static inline Vector both(Vector a, Vector b) { return _mm512_and_si512(a, b); }
  template <int bits>
  [[gnu::always_inline]] static inline Vector left(Vector a) {
    return _mm512_slli_epi64(a, bits);
  }
  template <int bits>
  [[gnu::always_inline]] static inline Vector right(Vector a) {
    return _mm512_srli_epi64(a, bits);
  }
  [[gnu::always_inline]] static inline Vector add_low(Vector sum, Vector a, Vector b) {
    return _mm512_madd52lo_epu64(sum, a, b);
  }
  [[gnu::always_inline]] static inline Vector add_high(Vector sum, Vector a, Vector b) {
    return _mm512_madd52hi_epu64(sum, a, b);
  }
};

template <class Lanes>
struct IfmaField {
  typename Lanes::Vector limb[5];
};

// Limbs past 52 bits: the sums of products, before their carry.
template <class Lanes>
struct IfmaSums {
  typename Lanes::Vector limb[5];
};

using IfmaFieldX4 = IfmaField<FourLanes>;
using IfmaFieldX8 = IfmaField<EightLanes>;

// 2^10 p, limb by limb.
static constexpr std::uint64_t sums_bias(int limb) { return (limb == 0 ? kMask51 - 18 : kMask51) << 10; }
// 2 p.
static constexpr std::uint64_t two_p(int limb) { return (limb == 0 ? kMask51 - 18 : kMask51) << 1; }

template <class Lanes>
[[gnu::always_inline]] static inline IfmaField<Lanes> in_all_lanes(const Field51& a) {
  IfmaField<Lanes> out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) out.limb[i] = Lanes::all(a.limb[i]);
  return out;
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaSums<Lanes> plus(const IfmaSums<Lanes>& a,
                                                          const IfmaSums<Lanes>& b) {
  IfmaSums<Lanes> out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) out.limb[i] = Lanes::add(a.limb[i], b.limb[i]);
  return out;
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaSums<Lanes> minus(const IfmaSums<Lanes>& a,
                                                           const IfmaSums<Lanes>& b) {
  IfmaSums<Lanes> out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i)
    out.limb[i] = Lanes::add(a.limb[i], Lanes::sub(Lanes::all(sums_bias(i)), b.limb[i]));
  return out;
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaSums<Lanes> sums_of(const IfmaField<Lanes>& a) {
  IfmaSums<Lanes> out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) out.limb[i] = a.limb[i];
  return out;
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaField<Lanes> carry(const IfmaSums<Lanes>& sums) {
  const auto mask = Lanes::all(kMask51);
  typename Lanes::Vector over[5];
  IfmaField<Lanes> out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    over[i] = Lanes::template right<51>(sums.limb[i]);
    out.limb[i] = Lanes::both(sums.limb[i], mask);
  }
  out.limb[0] = Lanes::add_low(out.limb[0], over[4], Lanes::all(19));
#pragma GCC unroll 4
  for (int i = 1; i < 5; ++i) out.limb[i] = Lanes::add(out.limb[i], over[i - 1]);
  return out;
}

// Positions 5 to 9 of a product, times 19, onto positions 0 to 4 (2^255 = 19).
template <class Lanes>
[[gnu::always_inline]] static inline IfmaSums<Lanes> wrapped(const typename Lanes::Vector* position) {
  IfmaSums<Lanes> out;
#pragma GCC unroll 5
  for (int k = 0; k < 5; ++k) {
    const auto high = position[k + 5];
    const auto thrice = Lanes::add(Lanes::add(high, high), high);
    out.limb[k] = Lanes::add(Lanes::add(position[k], thrice), Lanes::template left<4>(high));
  }
  return out;
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaSums<Lanes> product(const IfmaField<Lanes>& f,
                                                             const IfmaField<Lanes>& g) {
  typename Lanes::Vector low[10], high[10];
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) low[k] = high[k] = Lanes::all(0);
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < 5; ++j) {
      low[i + j] = Lanes::add_low(low[i + j], f.limb[i], g.limb[j]);
      high[i + j + 1] = Lanes::add_high(high[i + j + 1], f.limb[i], g.limb[j]);
    }
  }
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) low[k] = Lanes::add(low[k], Lanes::add(high[k], high[k]));
  return wrapped<Lanes>(low);
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaSums<Lanes> square_sums(const IfmaField<Lanes>& f) {
  // By how often they count: lower halves of squares once; their upper halves, and the lower ones of products
  // of two different limbs, twice; the upper ones of these four times.
  typename Lanes::Vector once[10], twice[10], four[10];
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) once[k] = twice[k] = four[k] = Lanes::all(0);
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    once[2 * i] = Lanes::add_low(once[2 * i], f.limb[i], f.limb[i]);
    twice[2 * i + 1] = Lanes::add_high(twice[2 * i + 1], f.limb[i], f.limb[i]);
#pragma GCC unroll 4
    for (int j = i + 1; j < 5; ++j) {
      twice[i + j] = Lanes::add_low(twice[i + j], f.limb[i], f.limb[j]);
      four[i + j + 1] = Lanes::add_high(four[i + j + 1], f.limb[i], f.limb[j]);
    }
  }
#pragma GCC unroll 10
  for (int k = 0; k < 10; ++k) {
    const auto half = Lanes::add(twice[k], Lanes::add(four[k], four[k]));
    once[k] = Lanes::add(once[k], Lanes::add(half, half));
  }
  return wrapped<Lanes>(once);
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaField<Lanes> mul(const IfmaField<Lanes>& f,
                                                          const IfmaField<Lanes>& g) {
  return carry(product(f, g));
}

template <class Lanes>
[[gnu::always_inline]] static inline IfmaField<Lanes> square(const IfmaField<Lanes>& f) {
  return carry(square_sums(f));
}

// In [0, p), from tight.
template <class Lanes>
[[gnu::always_inline]] static inline IfmaField<Lanes> reduced(const IfmaField<Lanes>& tight) {
  using Vector = typename Lanes::Vector;
  IfmaField<Lanes> a = carry(sums_of(tight));
  // Under 2^255 + 2^205; with 19 more it passes 2^255, once, when it is p or more.
  Vector over = Lanes::template right<51>(Lanes::add(a.limb[0], Lanes::all(19)));
#pragma GCC unroll 4
  for (int i = 1; i < 5; ++i) over = Lanes::template right<51>(Lanes::add(a.limb[i], over));
  a.limb[0] = Lanes::add_low(a.limb[0], over, Lanes::all(19));
  const Vector mask = Lanes::all(kMask51);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    a.limb[i + 1] = Lanes::add(a.limb[i + 1], Lanes::template right<51>(a.limb[i]));
    a.limb[i] = Lanes::both(a.limb[i], mask);
  }
  a.limb[4] = Lanes::both(a.limb[4], mask);
  return a;
}

}  // namespace sovereign::crypto::ed25519
