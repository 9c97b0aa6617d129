#include "crypto/ed25519/field51.h"

#include <bit>

#include "crypto/ed25519/power_chain.h"

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

Field51 power_p58(const Field51& a) noexcept { return power_p58_of(a); }

Field51 invert(const Field51& a) noexcept {
  const Power250<Field51> power = power250(a);
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
