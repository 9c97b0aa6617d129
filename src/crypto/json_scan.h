// Finds the next byte of a JSON string that is not plain, or that is no white space: sixteen at a time where
// the CPU has SSE2 (every x86-64), one at a time elsewhere. Both give the same answer.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sovereign::crypto {

// A byte that stands for itself inside a JSON string, and needs no look: ASCII, printable or DEL, not a
// quote or a backslash.
inline bool is_plain_string_byte(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// The first byte in [p, end) that is not plain, or end.
inline const char* skip_plain_string_bytes(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(' ');
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Signed, so that bytes >= 0x80 are below the space as control characters are.
    const __m128i stops =
        _mm_or_si128(_mm_cmplt_epi8(bytes, space),
                     _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    const int mask = _mm_movemask_epi8(stops);
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
    p += 16;
  }
#endif
  while (p != end && is_plain_string_byte(*p)) ++p;
  return p;
}

inline bool is_json_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// The first byte in [p, end) that is not white space of JSON, or end. Indentation comes in long runs of
// spaces.
inline const char* skip_json_space(const char* p, const char* end) noexcept {
  while (p != end && is_json_space(*p)) {
    ++p;
#if defined(__SSE2__)
    while (end - p >= 16) {
      const __m128i spaces =
          _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(' '));
      const unsigned others = ~static_cast<unsigned>(_mm_movemask_epi8(spaces)) & 0xFFFF;
      if (others != 0) {
        p += __builtin_ctz(others);
        break;
      }
      p += 16;
    }
#endif
  }
  return p;
}

}  // namespace sovereign::crypto
