// Arithmetic modulo p = 2^255 - 19 in five limbs of 51 bits, for any 64-bit CPU.
//
// Variable time: for verification of public values only.
//
// Bounds. "Tight": limbs under 2^51 + 2^16; mul, square and carry give tight values. mul and square take
// limbs up to 2^54. add gives the sum of the bounds. sub adds a multiple of p first, so that no limb goes
// below zero: sub_tight asks for a tight subtrahend, sub for one with limbs under 2^53 - 76.
// Tight minus tight, doubled tight minus (tight minus tight), and sums of two tight ones stay under 2^54.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sovereign::crypto::ed25519 {

__extension__ using Uint128 = unsigned __int128;

inline constexpr std::uint64_t kMask51 = (std::uint64_t{1} << 51) - 1;

struct Field51 {
  std::uint64_t limb[5];
};

inline constexpr Field51 kZero{{0, 0, 0, 0, 0}};
inline constexpr Field51 kOne{{1, 0, 0, 0, 0}};

inline Field51 add(const Field51& a, const Field51& b) noexcept {
  return {{a.limb[0] + b.limb[0], a.limb[1] + b.limb[1], a.limb[2] + b.limb[2], a.limb[3] + b.limb[3],
           a.limb[4] + b.limb[4]}};
}

template <std::uint64_t multiple_of_p>
inline Field51 sub_with(const Field51& a, const Field51& b) noexcept {
  constexpr std::uint64_t low = multiple_of_p * (kMask51 - 18);
  constexpr std::uint64_t high = multiple_of_p * kMask51;
  return {{a.limb[0] + low - b.limb[0], a.limb[1] + high - b.limb[1], a.limb[2] + high - b.limb[2],
           a.limb[3] + high - b.limb[3], a.limb[4] + high - b.limb[4]}};
}

inline Field51 sub_tight(const Field51& a, const Field51& b) noexcept { return sub_with<2>(a, b); }
inline Field51 sub(const Field51& a, const Field51& b) noexcept { return sub_with<4>(a, b); }

// Tight, from limbs up to 2^62.
inline Field51 carry(Field51 a) noexcept {
  std::uint64_t over[5];
  for (int i = 0; i < 5; ++i) over[i] = a.limb[i] >> 51;
  for (int i = 0; i < 5; ++i) a.limb[i] &= kMask51;
  a.limb[0] += 19 * over[4];
  for (int i = 1; i < 5; ++i) a.limb[i] += over[i - 1];
  return a;
}

inline Field51 negate(const Field51& a) noexcept { return carry(sub(kZero, a)); }

[[gnu::always_inline]] inline Field51 carry_wide(Uint128 r0, Uint128 r1, Uint128 r2, Uint128 r3,
                                                 Uint128 r4) noexcept {
  const auto low = [](Uint128 r) { return static_cast<std::uint64_t>(r) & kMask51; };
  const auto high = [](Uint128 r) { return static_cast<std::uint64_t>(r >> 51); };
  // All limbs at once, twice: one after the other, a carry would wait for five before it.
  // Nothing overflows: r4 has no factor 19, so high(r4) * 19 is under 2^64; the others are under 2^63.4.
  const std::uint64_t t0 = low(r0) + high(r4) * 19;
  const std::uint64_t t1 = low(r1) + high(r0);
  const std::uint64_t t2 = low(r2) + high(r1);
  const std::uint64_t t3 = low(r3) + high(r2);
  const std::uint64_t t4 = low(r4) + high(r3);
  return {{(t0 & kMask51) + (t4 >> 51) * 19, (t1 & kMask51) + (t0 >> 51), (t2 & kMask51) + (t1 >> 51),
           (t3 & kMask51) + (t2 >> 51), (t4 & kMask51) + (t3 >> 51)}};
}

inline Field51 mul(const Field51& a, const Field51& b) noexcept {
  const auto [a0, a1, a2, a3, a4] = a.limb;
  const auto [b0, b1, b2, b3, b4] = b.limb;
  const auto wide = [](std::uint64_t x, std::uint64_t y) { return static_cast<Uint128>(x) * y; };
  const std::uint64_t c1 = b1 * 19, c2 = b2 * 19, c3 = b3 * 19, c4 = b4 * 19;
  return carry_wide(wide(a0, b0) + wide(a1, c4) + wide(a2, c3) + wide(a3, c2) + wide(a4, c1),
                    wide(a0, b1) + wide(a1, b0) + wide(a2, c4) + wide(a3, c3) + wide(a4, c2),
                    wide(a0, b2) + wide(a1, b1) + wide(a2, b0) + wide(a3, c4) + wide(a4, c3),
                    wide(a0, b3) + wide(a1, b2) + wide(a2, b1) + wide(a3, b0) + wide(a4, c4),
                    wide(a0, b4) + wide(a1, b3) + wide(a2, b2) + wide(a3, b1) + wide(a4, b0));
}

[[gnu::always_inline]] inline Field51 square_here(const Field51& a) noexcept {
  const auto [a0, a1, a2, a3, a4] = a.limb;
  const auto wide = [](std::uint64_t x, std::uint64_t y) { return static_cast<Uint128>(x) * y; };
  const std::uint64_t d0 = a0 * 2, d1 = a1 * 2, d2 = a2 * 2, c3 = a3 * 19, c4 = a4 * 19;
  return carry_wide(wide(a0, a0) + wide(d1, c4) + wide(d2, c3), wide(d0, a1) + wide(d2, c4) + wide(a3, c3),
                    wide(d0, a2) + wide(a1, a1) + wide(a3 * 2, c4),
                    wide(d0, a3) + wide(d1, a2) + wide(a4, c4), wide(d0, a4) + wide(d1, a3) + wide(a2, a2));
}

inline Field51 square(const Field51& a) noexcept { return square_here(a); }

inline Field51 square_times(const Field51& a, int times) noexcept {
  // The limbs stay in registers: through memory, each round would wait for the stores of the one before.
  std::uint64_t a0 = a.limb[0], a1 = a.limb[1], a2 = a.limb[2], a3 = a.limb[3], a4 = a.limb[4];
  for (; times > 0; --times) {
    const Field51 next = square_here({{a0, a1, a2, a3, a4}});
    a0 = next.limb[0];
    a1 = next.limb[1];
    a2 = next.limb[2];
    a3 = next.limb[3];
    a4 = next.limb[4];
  }
  return {{a0, a1, a2, a3, a4}};
}

// a^((p - 5) / 8) = a^(2^252 - 3).
Field51 power_p58(const Field51& a) noexcept;
// a^(p - 2): the inverse, zero for zero.
Field51 invert(const Field51& a) noexcept;

// 255 bits, little-endian; the top bit is ignored, values in [p, 2^255) are taken modulo p.
Field51 field_from_bytes(std::span<const std::byte, 32> bytes) noexcept;
// The one reduced encoding.
std::array<std::byte, 32> field_to_bytes(const Field51& a) noexcept;

bool is_zero(const Field51& a) noexcept;
// The least significant bit of the reduced value: the 'sign' of RFC 8032.
bool is_odd(const Field51& a) noexcept;
inline bool equal(const Field51& a, const Field51& b) noexcept { return is_zero(sub(a, carry(b))); }

}  // namespace sovereign::crypto::ed25519
