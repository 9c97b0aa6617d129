// Integers modulo the group order L = 2^252 + 27742317777372353535851937790883648493, in four 64-bit words,
// always reduced. Variable time: for verification of public values only.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sovereign::crypto::ed25519 {

struct Scalar {
  std::uint64_t word[4];
  friend bool operator==(const Scalar&, const Scalar&) = default;
};

// Little-endian; nothing when the value is L or more (RFC 8032: such an s is refused).
std::optional<Scalar> scalar_from_canonical(std::span<const std::byte, 32> bytes) noexcept;
// 512 bits, little-endian, modulo L.
Scalar scalar_from_wide(std::span<const std::byte, 64> bytes) noexcept;

Scalar mul(const Scalar& a, const Scalar& b) noexcept;
Scalar add(const Scalar& a, const Scalar& b) noexcept;
Scalar negate(const Scalar& a) noexcept;

// Calls digit(position, value) for the non-zero digits of the width-w non-adjacent form of a scalar, lowest
// first: the scalar is the sum of value * 2^position, values are odd and under 2^(w-1) in magnitude, and
// positions are at least w apart. words: little-endian; bits at and past `bits` must be zero.
template <class Digit>
void for_each_naf_digit(const std::uint64_t* words, int bits, int width, Digit digit) {
  assert(bits <= 256);
  std::uint64_t padded[6] = {};  // so that reading past the end needs no test
  for (int i = 0; i < (bits + 63) / 64; ++i) padded[i] = words[i];
  const auto bits_at = [&](int position) {
    const int i = position / 64;
    const int shift = position % 64;
    return padded[i] >> shift | padded[i + 1] << 1 << (63 - shift);
  };
  const int base = 1 << width;
  int carry = 0;
  for (int position = 0; position <= bits;) {
    const std::uint64_t here = bits_at(position);
    const std::uint64_t stops = carry != 0 ? ~here : here;
    if (stops == 0) {
      position += 64;
      continue;
    }
    position += __builtin_ctzll(stops);
    if (position > bits) break;
    int value = static_cast<int>(bits_at(position) & static_cast<std::uint64_t>(base - 1)) + carry;
    carry = value >= base / 2 ? 1 : 0;
    if (carry != 0) value -= base;
    digit(position, value);
    position += width;
  }
}

}  // namespace sovereign::crypto::ed25519
