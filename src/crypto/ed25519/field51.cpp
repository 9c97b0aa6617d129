#include "crypto/ed25519/field51.h"

#include <bit>

namespace sovereign::crypto::ed25519 {
namespace {

static_assert(std::endian::native == std::endian::little, "bytes are loaded as they lie in memory");

// In [0, p).
Field51 reduce(Field51 a) noexcept {
  a = carry(carry(a));
  // a < 2^255 + 2^52; add 19 and see whether it passes 2^255, which is whether a >= p (twice at most).
  std::uint64_t over = (a.limb[0] + 19) >> 51;
  for (int i = 1; i < 5; ++i) over = (a.limb[i] + over) >> 51;
  a.limb[0] += 19 * over;
  for (int i = 0; i < 4; ++i) {
    a.limb[i + 1] += a.limb[i] >> 51;
    a.limb[i] &= kMask51;
  }
  a.limb[4] &= kMask51;
  return a;
}

}  // namespace

Power250 power250(const Field51& a) noexcept {
  const Field51 a2 = square(a);
  const Field51 a9 = mul(a, square_times(a2, 2));
  const Field51 a11 = mul(a2, a9);
  const Field51 e5 = mul(a9, square(a11));  // a^(2^5 - 1), and so on
  const Field51 e10 = mul(square_times(e5, 5), e5);
  const Field51 e20 = mul(square_times(e10, 10), e10);
  const Field51 e40 = mul(square_times(e20, 20), e20);
  const Field51 e50 = mul(square_times(e40, 10), e10);
  const Field51 e100 = mul(square_times(e50, 50), e50);
  const Field51 e200 = mul(square_times(e100, 100), e100);
  return {mul(square_times(e200, 50), e50), a11};
}

Field51 power_p58(const Field51& a) noexcept { return mul(square_times(power250(a).a250, 2), a); }

Field51 invert(const Field51& a) noexcept {
  const Power250 power = power250(a);
  return mul(square_times(power.a250, 5), power.a11);
}

Field51 field_from_bytes(std::span<const std::byte, 32> bytes) noexcept {
  std::uint64_t word[4];
  std::memcpy(word, bytes.data(), 32);
  return {{word[0] & kMask51, (word[0] >> 51 | word[1] << 13) & kMask51,
           (word[1] >> 38 | word[2] << 26) & kMask51, (word[2] >> 25 | word[3] << 39) & kMask51,
           word[3] >> 12 & kMask51}};
}

std::array<std::byte, 32> field_to_bytes(const Field51& a) noexcept {
  const Field51 r = reduce(a);
  const std::uint64_t word[4] = {r.limb[0] | r.limb[1] << 51, r.limb[1] >> 13 | r.limb[2] << 38,
                                 r.limb[2] >> 26 | r.limb[3] << 25, r.limb[3] >> 39 | r.limb[4] << 12};
  std::array<std::byte, 32> bytes;
  std::memcpy(bytes.data(), word, 32);
  return bytes;
}

bool is_zero(const Field51& a) noexcept {
  const Field51 r = reduce(a);
  return (r.limb[0] | r.limb[1] | r.limb[2] | r.limb[3] | r.limb[4]) == 0;
}

bool is_odd(const Field51& a) noexcept { return (reduce(a).limb[0] & 1) != 0; }

}  // namespace sovereign::crypto::ed25519
