// Point arithmetic on AVX-512 IFMA, in two layouts. Included by backend_ifma.cpp only, between
// SOVEREIGN_IFMA_BEGIN and _END.
//
//   IfmaCurve  one point, its four coordinates in four lanes: for one chain of operations, each of which
//   needs
//              the one before
//   PointX8    eight points, each in a lane: for operations that need not wait for each other; twice as fast
//              and more, for no lane idles and nothing changes lanes
//
// Both keep a point as Y - X, Y + X, T, Z: additions and doublings begin with the first two, and as sums of
// products they cost no carry of their own (field_ifma.h). A doubling asks for (Y-X)^2, (Y+X)^2, (Y-X)(Y+X)
// and Z^2 only. The formulas are those of point.h otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/ed25519/field_ifma.h"
#include "crypto/ed25519/point.h"

namespace sovereign::crypto::ed25519 {

// A summand in memory, Y - X, Y + X, 2 d T, 2 Z, all tight: limb i of the four is at 4 i.
struct alignas(64) IfmaRow {
  std::uint64_t word[24];  // the last four are padding
};

static inline IfmaRow ifma_row(const Field51& difference, const Field51& sum, const Field51& t2d,
                               const Field51& z2) {
  IfmaRow row;
  for (int i = 0; i < 5; ++i) {
    row.word[4 * i] = difference.limb[i];
    row.word[4 * i + 1] = sum.limb[i];
    row.word[4 * i + 2] = t2d.limb[i];
    row.word[4 * i + 3] = z2.limb[i];
  }
  for (int i = 20; i < 24; ++i) row.word[i] = 0;
  return row;
}

static inline IfmaRow ifma_row(const AffineCachedPoint& q) {
  return ifma_row(carry(q.sums[1]), carry(q.sums[0]), q.t2d, Field51{{2, 0, 0, 0, 0}});
}

struct IfmaCurve {
  struct Point {
    IfmaFieldX4 lanes;  // Y - X, Y + X, T, Z; tight
  };
  using Cached = IfmaRow;

  static Point identity() { return {packed(kOne, kOne, kZero, kOne)}; }
  static Point from(const AffinePoint& p) {
    return {packed(ed25519::carry(sub_tight(p.y, p.x)), ed25519::carry(ed25519::add(p.y, p.x)), p.t, kOne)};
  }

  static ExtendedPoint to_extended(const Point& p) {
    Field51 lane[4];
    for (int i = 0; i < 5; ++i) {
      alignas(32) std::uint64_t words[4];
      _mm256_store_si256(reinterpret_cast<__m256i*>(words), p.lanes.limb[i]);
      for (int at = 0; at < 4; ++at) lane[at].limb[i] = words[at];
    }
    // All doubled, which is the same point.
    return {ed25519::carry(sub_tight(lane[1], lane[0])), ed25519::carry(ed25519::add(lane[1], lane[0])),
            ed25519::carry(ed25519::add(lane[3], lane[3])), ed25519::carry(ed25519::add(lane[2], lane[2]))};
  }

  static Cached to_cached(const Point& p) {
    static constexpr Field51 kTwo{{2, 0, 0, 0, 0}};
    const IfmaFieldX4 scaled = mul(p.lanes, packed(kOne, kOne, kEdwardsD2, kTwo));
    Cached row{};
    for (int i = 0; i < 5; ++i)
      _mm256_store_si256(reinterpret_cast<__m256i*>(row.word + 4 * i), scaled.limb[i]);
    return row;
  }

  [[gnu::always_inline]] static inline Point double_point(const Point& p) {
    IfmaFieldX4 left, right;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      left.limb[i] = _mm256_permute4x64_epi64(p.lanes.limb[i], 0xC4);   // Y-X, Y+X, Y-X, Z
      right.limb[i] = _mm256_permute4x64_epi64(p.lanes.limb[i], 0xD4);  // Y-X, Y+X, Y+X, Z
    }
    const IfmaSums<FourLanes> r = product(left, right);
    // E = 4 X Y, H = -2 (X^2 + Y^2), F = 2 (Y^2 - X^2) - 4 Z^2, G = 2 (Y^2 - X^2): all doubled, the same
    // point.
    IfmaSums<FourLanes> ehfg;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i doubled = _mm256_add_epi64(r.limb[i], r.limb[i]);
      // r1, 0, 2 r2, 2 r2
      const __m256i positive =
          _mm256_mask_permutex_epi64(_mm256_maskz_permutex_epi64(0x1, r.limb[i], 0x01), 0xC, doubled, 0xA0);
      // r0, r0 + r1, 4 r3, 0
      const __m256i first = _mm256_maskz_permutex_epi64(0x3, r.limb[i], 0x00);
      const __m256i negative =
          _mm256_add_epi64(_mm256_mask_add_epi64(first, 0x2, first, r.limb[i]),
                           _mm256_maskz_permutex_epi64(0x4, _mm256_add_epi64(doubled, doubled), 0x30));
      ehfg.limb[i] = _mm256_add_epi64(positive, _mm256_sub_epi64(FourLanes::all(sums_bias(i)), negative));
    }
    return complete(carry(ehfg));
  }

  [[gnu::always_inline]] static inline Point add(const Point& p, const Cached& q, bool negative) {
    const __mmask8 exchanged = negative ? 0x3 : 0;
    const __mmask8 opposite = negative ? 0x4 : 0;
    IfmaFieldX4 factors;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i lanes = _mm256_load_si256(reinterpret_cast<const __m256i*>(q.word + 4 * i));
      factors.limb[i] = _mm256_mask_sub_epi64(_mm256_mask_permutex_epi64(lanes, exchanged, lanes, 0xE1),
                                              opposite, FourLanes::all(two_p(i)), lanes);
    }
    const IfmaSums<FourLanes> r = product(p.lanes, factors);  // A, B, C, D
    IfmaSums<FourLanes> ehfg;                                 // B-A, B+A, D-C, D+C
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i upper = _mm256_unpackhi_epi64(r.limb[i], r.limb[i]);  // B, B, D, D
      const __m256i lower = _mm256_unpacklo_epi64(r.limb[i], r.limb[i]);  // A, A, C, C
      const __m256i biased = _mm256_sub_epi64(FourLanes::all(sums_bias(i)), lower);
      ehfg.limb[i] = _mm256_add_epi64(upper, _mm256_mask_blend_epi64(0x5, lower, biased));
    }
    return complete(carry(ehfg));
  }

  [[gnu::always_inline]] static inline Point add(const Point& p, const AffineCachedPoint& q, bool negative) {
    return add(p, ifma_row(q), negative);
  }

 private:
  static IfmaFieldX4 packed(const Field51& a, const Field51& b, const Field51& c, const Field51& d) {
    const auto limb = [](const Field51& f, int i) { return static_cast<long long>(f.limb[i]); };
    IfmaFieldX4 out;
    for (int i = 0; i < 5; ++i)
      out.limb[i] = _mm256_set_epi64x(limb(d, i), limb(c, i), limb(b, i), limb(a, i));
    return out;
  }

  // From E, H, F, G: Y - X, Y + X, T, Z with X = E F, Y = G H, T = E H, Z = F G.
  [[gnu::always_inline]] static inline Point complete(const IfmaFieldX4& ehfg) {
    IfmaFieldX4 left, right;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      left.limb[i] = _mm256_permute4x64_epi64(ehfg.limb[i], 0x8C);   // E, G, E, F
      right.limb[i] = _mm256_permute4x64_epi64(ehfg.limb[i], 0xD6);  // F, H, H, G
    }
    const IfmaSums<FourLanes> r = product(left, right);  // X, Y, T, Z
    IfmaSums<FourLanes> out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i y = _mm256_permute4x64_epi64(r.limb[i], 0xE5);  // Y, Y, T, Z
      const __m256i x = _mm256_permute4x64_epi64(r.limb[i], 0x00);
      const __m256i with_sign = _mm256_mask_sub_epi64(x, 0x1, FourLanes::all(sums_bias(i)), x);
      out.limb[i] = _mm256_mask_add_epi64(y, 0x3, y, with_sign);
    }
    return {carry(out)};
  }
};

struct PointX8 {
  IfmaFieldX8 difference, sum, t, z;  // Y - X, Y + X, T, Z; tight
};

struct CachedX8 {
  IfmaFieldX8 difference, sum, t2d, z2;  // Y - X, Y + X, 2 d T, 2 Z; tight
};

[[gnu::always_inline]] static inline PointX8 complete(const IfmaFieldX8& e, const IfmaFieldX8& f,
                                                      const IfmaFieldX8& g, const IfmaFieldX8& h) {
  const auto x = product(e, f);
  const auto y = product(g, h);
  return {carry(minus(y, x)), carry(plus(y, x)), mul(e, h), mul(f, g)};
}

// p + q, or p - q in the lanes of `negative`.
[[gnu::always_inline]] static inline PointX8 add(const PointX8& p, const CachedX8& q, __mmask8 negative) {
  IfmaFieldX8 first, second, t2d;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    first.limb[i] = _mm512_mask_blend_epi64(negative, q.difference.limb[i], q.sum.limb[i]);
    second.limb[i] = _mm512_mask_blend_epi64(negative, q.sum.limb[i], q.difference.limb[i]);
    t2d.limb[i] = _mm512_mask_sub_epi64(q.t2d.limb[i], negative, EightLanes::all(two_p(i)), q.t2d.limb[i]);
  }
  const auto a = product(p.difference, first);
  const auto b = product(p.sum, second);
  const auto e = carry(minus(b, a));
  const auto h = carry(plus(b, a));
  const auto c = product(p.t, t2d);
  const auto d = product(p.z, q.z2);
  return complete(e, carry(minus(d, c)), carry(plus(d, c)), h);
}

// The summand as a point: an addition to the identity, at half the price.
[[gnu::always_inline]] static inline PointX8 point_of(const CachedX8& q, __mmask8 negative) {
  auto e = carry(minus(sums_of(q.sum), sums_of(q.difference)));
  const auto h = carry(plus(sums_of(q.sum), sums_of(q.difference)));
  // The opposite point has the other X.
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i)
    e.limb[i] = _mm512_mask_sub_epi64(e.limb[i], negative, EightLanes::all(two_p(i)), e.limb[i]);
  return complete(e, q.z2, q.z2, h);
}

[[gnu::always_inline]] static inline PointX8 double_point(const PointX8& p) {
  const auto a = square_sums(p.difference);
  const auto b = square_sums(p.sum);
  const auto product_of_sums = product(p.difference, p.sum);
  const auto g = plus(product_of_sums, product_of_sums);
  const auto zz = square_sums(p.z);
  const auto zz2 = plus(zz, zz);
  IfmaSums<EightLanes> zero;
  for (auto& limb : zero.limb) limb = EightLanes::all(0);
  return complete(carry(minus(b, a)), carry(minus(g, plus(zz2, zz2))), carry(g),
                  carry(minus(zero, plus(a, b))));
}

[[gnu::always_inline]] static inline CachedX8 to_cached(const PointX8& p) {
  return {p.difference, p.sum, mul(p.t, in_all_lanes<EightLanes>(kEdwardsD2)),
          carry(plus(sums_of(p.z), sums_of(p.z)))};
}

// Rows and columns of eight registers of eight words change places.
[[gnu::always_inline]] static inline void transpose(__m512i* r) {
  __m512i t[8], u[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);      // words 0 2 4 6 of both
    t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);  // 1 3 5 7
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);  // words 0 4 of four rows
    u[i + 1] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0x88);
    u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xDD);  // 2 6
    u[i + 3] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0xDD);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
    r[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xDD);
  }
}

// Eight rows, one per lane.
[[gnu::always_inline]] static inline CachedX8 load_rows(const IfmaRow* const* rows) {
  __m512i word[24];
#pragma GCC unroll 3
  for (int block = 0; block < 3; ++block) {
    __m512i* part = word + 8 * block;
#pragma GCC unroll 8
    for (int lane = 0; lane < 8; ++lane) part[lane] = _mm512_load_si512(rows[lane]->word + 8 * block);
    transpose(part);
  }
  CachedX8 out;
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    out.difference.limb[i] = word[4 * i];
    out.sum.limb[i] = word[4 * i + 1];
    out.t2d.limb[i] = word[4 * i + 2];
    out.z2.limb[i] = word[4 * i + 3];
  }
  return out;
}

// To the rows that are not null.
[[gnu::always_inline]] static inline void store_rows(const CachedX8& points, IfmaRow* const* rows) {
  __m512i word[24];
#pragma GCC unroll 5
  for (int i = 0; i < 5; ++i) {
    word[4 * i] = points.difference.limb[i];
    word[4 * i + 1] = points.sum.limb[i];
    word[4 * i + 2] = points.t2d.limb[i];
    word[4 * i + 3] = points.z2.limb[i];
  }
#pragma GCC unroll 4
  for (int i = 20; i < 24; ++i) word[i] = EightLanes::all(0);
#pragma GCC unroll 3
  for (int block = 0; block < 3; ++block) {
    __m512i* part = word + 8 * block;
    transpose(part);
#pragma GCC unroll 8
    for (int lane = 0; lane < 8; ++lane)
      if (rows[lane] != nullptr) _mm512_store_si512(rows[lane]->word + 8 * block, part[lane]);
  }
}

}  // namespace sovereign::crypto::ed25519
