// Sum of scalar * point by Pippenger's bucket method: per window of c bits, points with the same digit are
// summed first, and buckets are then weighted by two running sums. (Bernstein, Doumen, Lange, Oosterwijk,
// "Faster batch forgery identification", 2012, section 4.) For some two hundred points and more.
//
// Curve as in straus.h. What is no template is static: each backend has its own, for its own CPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crypto/ed25519/backend.h"

namespace sovereign::crypto::ed25519 {

// Window bits that cost least for so many terms: additions per term and window against two per bucket.
static inline int pippenger_window(std::size_t terms) {
  int best = 4;
  double least = 0;
  for (int bits = 4; bits <= 14; ++bits) {
    const double windows = 254.0 / bits;
    // On average, terms are half 128-bit and half 253-bit scalars.
    const double cost =
        windows * (0.75 * static_cast<double>(terms) + 2.25 * static_cast<double>(1 << (bits - 1)));
    if (least == 0 || cost < least) {
      least = cost;
      best = bits;
    }
  }
  return best;
}

// Signed digits of a scalar in radix 2^bits, each in [-2^(bits-1), 2^(bits-1)).
static inline void signed_digits(const Scalar& scalar, int bits, int count, std::int16_t* out) {
  const std::int32_t radix = 1 << bits;
  std::int32_t carry = 0;
  for (int i = 0; i < count; ++i) {
    const int position = i * bits;
    const int word = position / 64;
    const int shift = position % 64;
    std::uint64_t window = word < 4 ? scalar.word[word] >> shift : 0;
    if (shift + bits > 64 && word < 3) window |= scalar.word[word + 1] << (64 - shift);
    std::int32_t digit = static_cast<std::int32_t>(window & static_cast<std::uint64_t>(radix - 1)) + carry;
    carry = digit >= radix / 2 ? 1 : 0;
    if (carry != 0) digit -= radix;
    out[i] = static_cast<std::int16_t>(digit);
  }
}

template <class Curve>
ExtendedPoint pippenger(std::span<const Term> terms) {
  using Point = typename Curve::Point;
  using Cached = typename Curve::Cached;
  const int bits = pippenger_window(terms.size());
  const int windows = 253 / bits + 1;
  const std::size_t buckets = std::size_t{1} << (bits - 1);

  const auto points = std::make_unique_for_overwrite<Cached[]>(terms.size());
  std::vector<std::int16_t> digits(terms.size() * static_cast<std::size_t>(windows));
  for (std::size_t i = 0; i < terms.size(); ++i) {
    points[i] = Curve::to_cached(Curve::from(*terms[i].point));
    signed_digits(terms[i].scalar, bits, windows, &digits[i * static_cast<std::size_t>(windows)]);
  }

  const auto bucket = std::make_unique_for_overwrite<Point[]>(buckets);
  std::vector<bool> used(buckets);
  Point sum = Curve::identity();
  for (int window = windows - 1; window >= 0; --window) {
    for (int i = 0; i < bits; ++i) sum = Curve::double_point(sum);
    std::fill(used.begin(), used.end(), false);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const int digit = digits[i * static_cast<std::size_t>(windows) + static_cast<std::size_t>(window)];
      if (digit == 0) continue;
      const auto at = static_cast<std::size_t>(digit < 0 ? -digit : digit) - 1;
      bucket[at] = Curve::add(used[at] ? bucket[at] : Curve::identity(), points[i], digit < 0);
      used[at] = true;
    }
    // The sum of (k + 1) * bucket[k]: each bucket enters `running` once and stays for all lower k.
    Point running = Curve::identity();
    Point weighted = Curve::identity();
    bool any = false;
    for (std::size_t at = buckets; at-- > 0;) {
      if (used[at]) running = any ? Curve::add(running, Curve::to_cached(bucket[at]), false) : bucket[at];
      any = any || used[at];
      if (any) weighted = Curve::add(weighted, Curve::to_cached(running), false);
    }
    if (any) sum = Curve::add(sum, Curve::to_cached(weighted), false);
  }
  return Curve::to_extended(sum);
}

}  // namespace sovereign::crypto::ed25519
