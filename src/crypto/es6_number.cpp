#include "crypto/es6_number.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace sovereign::crypto {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: below it, every integer is its own digits
constexpr int kLargestPlainExponent = 21;
constexpr int kSmallestPlainExponent = -6;

struct Decimal {
  char digits[17];
  int count;  // k
  int point;  // n: the value is 0.d1…dk * 10^n
};

Decimal shortest_decimal(double positive) noexcept {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, positive, std::chars_format::scientific);
  assert(error == std::errc());
  Decimal decimal{{}, 0, 0};
  const char* p = text;
  for (; *p != 'e'; ++p)
    if (*p != '.') decimal.digits[decimal.count++] = *p;
  ++p;
  if (*p == '+') ++p;
  int exponent = 0;
  std::from_chars(p, end, exponent);
  decimal.point = exponent + 1;
  return decimal;
}

}  // namespace

char* write_es6_number(double value, char* out) noexcept {
  assert(std::isfinite(value));
  if (value == 0) {
    *out = '0';
    return out + 1;
  }
  if (std::abs(value) < kExactIntegers && value == std::trunc(value))
    return std::to_chars(out, out + kEs6NumberBytes, static_cast<std::int64_t>(value)).ptr;

  if (value < 0) {
    *out++ = '-';
    value = -value;
  }
  const Decimal decimal = shortest_decimal(value);
  const int k = decimal.count;
  const int n = decimal.point;
  const char* digits = decimal.digits;
  if (k <= n && n <= kLargestPlainExponent) {
    out = std::copy_n(digits, k, out);
    return std::fill_n(out, n - k, '0');
  }
  if (0 < n && n <= kLargestPlainExponent) {
    out = std::copy_n(digits, n, out);
    *out++ = '.';
    return std::copy_n(digits + n, k - n, out);
  }
  if (kSmallestPlainExponent < n && n <= 0) {
    *out++ = '0';
    *out++ = '.';
    out = std::fill_n(out, -n, '0');
    return std::copy_n(digits, k, out);
  }
  *out++ = digits[0];
  if (k > 1) {
    *out++ = '.';
    out = std::copy_n(digits + 1, k - 1, out);
  }
  *out++ = 'e';
  *out++ = n > 0 ? '+' : '-';
  return std::to_chars(out, out + 4, std::abs(n - 1)).ptr;
}

}  // namespace sovereign::crypto
