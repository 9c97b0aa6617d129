// UTF-8 as RFC 3629 (Unicode table 3-7) defines it, and the order of UTF-16 code units over it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sovereign::crypto {

// Bytes of the well-formed sequence that starts at p with a byte >= 0x80; 0 when it is ill-formed
// (overlong, a surrogate, past U+10FFFF, cut short).
inline std::size_t utf8_sequence_bytes(const char* p, const char* end) noexcept {
  const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
  const auto continues = [&](int i) { return (byte(i) & 0xC0) == 0x80; };
  const auto left = end - p;
  const unsigned lead = byte(0);
  if (lead < 0xC2 || left < 2) return 0;
  if (lead < 0xE0) return continues(1) ? 2 : 0;
  if (left < 3 || !continues(1) || !continues(2)) return 0;
  if (lead < 0xF0) {
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead > 0xF4 || left < 4 || !continues(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return 4;
}

inline void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

// A byte's rank such that comparing ranks compares UTF-16 code units: supplementary characters
// (lead bytes F0-F4) are surrogates in UTF-16 and sort before U+E000-U+FFFF (lead bytes EE, EF).
inline unsigned utf16_rank(unsigned char byte) noexcept {
  if (byte < 0xEE) return byte;
  return byte < 0xF0 ? byte + 5U : byte - 2U;
}

// Negative, zero or positive, as a sorts before, equals or sorts after b by UTF-16 code units.
// Both are well-formed UTF-8.
inline int compare_utf16(std::string_view a, std::string_view b) noexcept {
  const std::size_t common = std::min(a.size(), b.size());
  const auto [at_a, at_b] =
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin());
  if (at_a == a.begin() + static_cast<std::ptrdiff_t>(common))
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
  const unsigned rank_a = utf16_rank(static_cast<unsigned char>(*at_a));
  const unsigned rank_b = utf16_rank(static_cast<unsigned char>(*at_b));
  return rank_a < rank_b ? -1 : 1;
}

// The first eight bytes as a number that orders as compare_utf16 does; equal numbers say nothing.
// readable: bytes that may be read from text.data(), at least text.size(); with eight or more it is faster.
inline std::uint64_t utf16_prefix(std::string_view text, std::size_t readable) noexcept {
  std::uint64_t word = 0;
  if (readable >= 8) {
    std::memcpy(&word, text.data(), 8);
  } else {
    std::memcpy(&word, text.data(), std::min<std::size_t>(text.size(), 8));
  }
  if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
  if (text.size() < 8) word = text.empty() ? 0 : word & ~std::uint64_t{0} << (64 - 8 * text.size());
  if ((word & 0x8080808080808080U) == 0) return word;
  std::uint64_t prefix = 0;
  for (int shift = 56; shift >= 0; shift -= 8)
    prefix = prefix << 8 | utf16_rank(static_cast<unsigned char>(word >> shift));
  return prefix;
}

}  // namespace sovereign::crypto
