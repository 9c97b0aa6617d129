#include "crypto/ed25519/point.h"

namespace sovereign::crypto::ed25519 {
namespace {

constexpr Field51 kSqrtMinusOne{
    {0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};

}  // namespace

std::optional<AffinePoint> decompress(std::span<const std::byte, 32> bytes) noexcept {
  const Field51 y = carry(field_from_bytes(bytes));
  const Field51 yy = square(y);
  const Field51 u = carry(sub_tight(yy, kOne));
  const Field51 v = carry(add(mul(yy, kEdwardsD), kOne));
  // x = u v^3 (u v^7)^((p-5)/8) is a root of u/v or of -u/v, when either has one (RFC 8032, 5.1.3).
  const Field51 v3 = mul(square(v), v);
  const Field51 v7 = mul(square(v3), v);
  Field51 x = mul(mul(u, v3), power_p58(mul(u, v7)));
  const Field51 vxx = mul(v, square(x));
  if (!equal(vxx, u)) {
    if (!is_zero(add(vxx, u))) return std::nullopt;
    x = mul(x, kSqrtMinusOne);
  }
  const bool sign = (bytes[31] & std::byte{0x80}) != std::byte{0};
  if (is_odd(x) != sign) x = negate(x);
  return AffinePoint{x, y, mul(x, y)};
}

std::array<std::byte, 32> compress(const ExtendedPoint& point) noexcept {
  const Field51 inverse = invert(point.z);
  auto bytes = field_to_bytes(mul(point.y, inverse));
  if (is_odd(mul(point.x, inverse))) bytes[31] |= std::byte{0x80};
  return bytes;
}

}  // namespace sovereign::crypto::ed25519
