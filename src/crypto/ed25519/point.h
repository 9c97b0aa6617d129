// Points of edwards25519, -x^2 + y^2 = 1 + d x^2 y^2, in the coordinates of Hisil, Wong, Carter, Dawson,
// "Twisted Edwards Curves Revisited" (2008). The addition law is complete: it holds for every pair of points,
// those of small order included, so no case is special. Variable time.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "crypto/ed25519/field51.h"

namespace sovereign::crypto::ed25519 {

// x = X/Z, y = Y/Z, x y = T/Z. All tight.
struct ExtendedPoint {
  Field51 x, y, z, t;
};

// With Z = 1 and T = x y. All tight.
struct AffinePoint {
  Field51 x, y, t;
};

// A summand made ready: Y+X, Y-X, 2 Z, 2 d T. sums[0] and sums[1] change places for the opposite point.
struct CachedPoint {
  Field51 sums[2];  // Y+X, Y-X
  Field51 z2, t2d;
};

// The same with Z = 1.
struct AffineCachedPoint {
  Field51 sums[2];
  Field51 t2d;
};

inline constexpr Field51 kEdwardsD{
    {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};  // -121665/121666
inline constexpr Field51 kEdwardsD2{
    {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
// 2^((p-1)/4).
inline constexpr Field51 kSqrtMinusOne{
    {0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};
// y = 4/5, x even.
inline constexpr AffinePoint kBasePoint{
    {{0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5}},
    {{0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666}},
    {{0x68ab3a5b7dda3, 0xeea2a5eadbb, 0x2af8df483c27e, 0x332b375274732, 0x67875f0fd78b7}}};
inline constexpr ExtendedPoint kIdentity{kZero, kOne, kOne, kZero};

// ZIP-215: any 32 bytes whose y, taken modulo p, lies on the curve; also y >= p, and x = 0 with the sign bit.
std::optional<AffinePoint> decompress(std::span<const std::byte, 32> bytes) noexcept;

// The two halves of decompress(), around the exponentiation that is nearly all of its cost:
// decompress(bytes) = finish_root(q, power_p58(q.uv7)) with q = root_query(bytes).
struct RootQuery {
  Field51 y, u, v, uv3, uv7;  // x^2 = u/v
  bool odd;                   // which root
};
RootQuery root_query(std::span<const std::byte, 32> bytes) noexcept;
std::optional<AffinePoint> finish_root(const RootQuery& query, const Field51& power) noexcept;

// The one canonical encoding.
std::array<std::byte, 32> compress(const ExtendedPoint& point) noexcept;

inline ExtendedPoint to_extended(const AffinePoint& p) noexcept { return {p.x, p.y, kOne, p.t}; }

inline CachedPoint to_cached(const ExtendedPoint& p) noexcept {
  return {{add(p.y, p.x), sub_tight(p.y, p.x)}, add(p.z, p.z), mul(p.t, kEdwardsD2)};
}

inline AffineCachedPoint to_cached(const AffinePoint& p) noexcept {
  return {{add(p.y, p.x), sub_tight(p.y, p.x)}, mul(p.t, kEdwardsD2)};
}

// The last four multiplications of additions and doublings.
inline ExtendedPoint complete(const Field51& e, const Field51& f, const Field51& g,
                              const Field51& h) noexcept {
  return {mul(e, f), mul(g, h), mul(f, g), mul(e, h)};
}

// p + q, or p - q when negative.
inline ExtendedPoint add_scaled(const ExtendedPoint& p, const Field51* sums, const Field51& zz2,
                                const Field51& t2d, bool negative) noexcept {
  const Field51 a = mul(sub_tight(p.y, p.x), sums[negative ? 0 : 1]);
  const Field51 b = mul(add(p.y, p.x), sums[negative ? 1 : 0]);
  const Field51 c = mul(p.t, t2d);
  Field51 fg[2];
  fg[negative ? 1 : 0] = sub(zz2, c);
  fg[negative ? 0 : 1] = add(zz2, c);
  return complete(sub_tight(b, a), fg[0], fg[1], add(b, a));
}

inline ExtendedPoint add(const ExtendedPoint& p, const CachedPoint& q, bool negative) noexcept {
  return add_scaled(p, q.sums, mul(p.z, q.z2), q.t2d, negative);
}

inline ExtendedPoint add(const ExtendedPoint& p, const AffineCachedPoint& q, bool negative) noexcept {
  return add_scaled(p, q.sums, add(p.z, p.z), q.t2d, negative);
}

inline ExtendedPoint double_point(const ExtendedPoint& p) noexcept {
  const Field51 xx = square(p.x);
  const Field51 yy = square(p.y);
  const Field51 zz = square(p.z);
  const Field51 h = add(yy, xx);
  const Field51 g = sub_tight(yy, xx);
  const Field51 e = sub(square(add(p.x, p.y)), h);
  const Field51 f = sub(add(zz, zz), g);
  return complete(e, f, g, h);
}

inline ExtendedPoint double_times(ExtendedPoint p, int times) noexcept {
  for (; times > 0; --times) p = double_point(p);
  return p;
}

inline bool is_identity(const ExtendedPoint& p) noexcept { return is_zero(p.x) && equal(p.y, p.z); }

}  // namespace sovereign::crypto::ed25519
