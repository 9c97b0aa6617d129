// A double as ECMAScript prints it (ECMA-262, Number::toString with radix 10), as RFC 8785 asks:
// the shortest digits that read back as the same double, the closest of them when several are as short.
//
// With digits d1…dk and n the position of the decimal point:
//   k <= n <= 21  digits, then n-k zeros           100, 123000
//   0 < n <= 21   the point after n digits         12.5
//   -6 < n <= 0   "0.", -n zeros, the digits       0.000001
//   otherwise     d1[.d2…dk]e±(n-1)                1e+21, 5e-324
// Minus zero prints as 0.
#pragma once

#include <cstddef>

namespace sovereign::crypto {

// Bytes that the longest one takes: -1.2345678901234567e-308.
inline constexpr std::size_t kEs6NumberBytes = 25;

// Writes a finite value at out, which has room for kEs6NumberBytes; returns one past the last byte.
char* write_es6_number(double value, char* out) noexcept;

}  // namespace sovereign::crypto
