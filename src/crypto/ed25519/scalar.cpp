#include "crypto/ed25519/scalar.h"

#include <algorithm>
#include <cstring>

#include "crypto/ed25519/field51.h"

namespace sovereign::crypto::ed25519 {
namespace {

// L = 2^252 + c.
constexpr std::uint64_t kOrder[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};
constexpr std::uint64_t kC[2] = {kOrder[0], kOrder[1]};
constexpr int kSplitBits = 252;

template <int words>
using Words = std::array<std::uint64_t, words>;

template <int n>
Words<n + 2> times_c(const Words<n>& a) {
  Words<n + 2> product{};
  for (int i = 0; i < 2; ++i) {
    std::uint64_t carry = 0;
    for (int j = 0; j < n; ++j) {
      const Uint128 sum = static_cast<Uint128>(kC[i]) * a[j] + product[i + j] + carry;
      product[i + j] = static_cast<std::uint64_t>(sum);
      carry = static_cast<std::uint64_t>(sum >> 64);
    }
    product[i + n] = carry;
  }
  return product;
}

// a mod 2^252 and a / 2^252.
template <int n>
Words<4> low_part(const Words<n>& a) {
  return {a[0], a[1], a[2], a[3] & ((std::uint64_t{1} << (kSplitBits - 192)) - 1)};
}

template <int n, int m>
Words<m> high_part(const Words<n>& a) {
  Words<m> high{};
  for (int i = 0; i < m && i + 3 < n; ++i) {
    high[i] = a[i + 3] >> 60;
    if (i + 4 < n) high[i] |= a[i + 4] << 4;
  }
  return high;
}

// a += b, a -= b; the final carry or borrow.
bool add_to(Words<4>& a, const Words<4>& b) {
  std::uint64_t carry = 0;
  for (int i = 0; i < 4; ++i) {
    const Uint128 sum = static_cast<Uint128>(a[i]) + b[i] + carry;
    a[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
  return carry != 0;
}

bool sub_from(Words<4>& a, const Words<4>& b) {
  std::uint64_t borrow = 0;
  for (int i = 0; i < 4; ++i) {
    const Uint128 difference = static_cast<Uint128>(a[i]) - b[i] - borrow;
    a[i] = static_cast<std::uint64_t>(difference);
    borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
  }
  return borrow != 0;
}

constexpr Words<4> kOrderWords = {kOrder[0], kOrder[1], kOrder[2], kOrder[3]};

Scalar fully_reduced(Words<4> a) {
  for (;;) {
    Words<4> less = a;
    if (sub_from(less, kOrderWords)) return {{a[0], a[1], a[2], a[3]}};
    a = less;
  }
}

// 2^252 = -c modulo L, applied three times:
// x = x0 + 2^252 x1, c x1 = y0 + 2^252 y1, c y1 = w0 + 2^252 w1, so x = x0 - y0 + w0 - c w1.
Scalar reduce(const Words<8>& x) {
  const auto y = times_c<5>(high_part<8, 5>(x));  // under 2^385
  const auto w = times_c<3>(high_part<7, 3>(y));  // under 2^258
  const auto v = times_c<1>(high_part<5, 1>(w));  // under 2^131
  Words<4> sum = low_part<8>(x);
  add_to(sum, low_part<5>(w));
  // 2 L is more than y0 + v, so nothing goes below zero; the sum stays under 2^255.
  add_to(sum, kOrderWords);
  add_to(sum, kOrderWords);
  sub_from(sum, low_part<7>(y));
  sub_from(sum, {v[0], v[1], v[2], 0});
  return fully_reduced(sum);
}

}  // namespace

std::optional<Scalar> scalar_from_canonical(std::span<const std::byte, 32> bytes) noexcept {
  Scalar scalar;
  std::memcpy(scalar.word, bytes.data(), 32);
  if (!std::lexicographical_compare(std::rbegin(scalar.word), std::rend(scalar.word), std::rbegin(kOrder),
                                    std::rend(kOrder)))
    return std::nullopt;
  return scalar;
}

Scalar scalar_from_wide(std::span<const std::byte, 64> bytes) noexcept {
  Words<8> wide;
  std::memcpy(wide.data(), bytes.data(), 64);
  return reduce(wide);
}

Scalar mul(const Scalar& a, const Scalar& b) noexcept {
  Words<8> product{};
  for (int i = 0; i < 4; ++i) {
    std::uint64_t carry = 0;
    for (int j = 0; j < 4; ++j) {
      const Uint128 sum = static_cast<Uint128>(a.word[i]) * b.word[j] + product[i + j] + carry;
      product[i + j] = static_cast<std::uint64_t>(sum);
      carry = static_cast<std::uint64_t>(sum >> 64);
    }
    product[i + 4] = carry;
  }
  return reduce(product);
}

Scalar add(const Scalar& a, const Scalar& b) noexcept {
  Words<4> sum = {a.word[0], a.word[1], a.word[2], a.word[3]};
  add_to(sum, {b.word[0], b.word[1], b.word[2], b.word[3]});
  return fully_reduced(sum);
}

Scalar negate(const Scalar& a) noexcept {
  Words<4> difference = kOrderWords;
  sub_from(difference, {a.word[0], a.word[1], a.word[2], a.word[3]});
  return fully_reduced(difference);
}

}  // namespace sovereign::crypto::ed25519
