#include "crypto/ed25519/point.h"

namespace sovereign::crypto::ed25519 {

RootQuery root_query(std::span<const std::byte, 32> bytes) noexcept {
  const Field51 y = carry(field_from_bytes(bytes));
  const Field51 yy = square(y);
  const Field51 u = carry(sub_tight(yy, kOne));
  const Field51 v = carry(add(mul(yy, kEdwardsD), kOne));
  const Field51 v3 = mul(square(v), v);
  const Field51 uv3 = mul(u, v3);
  const Field51 v4 = mul(v3, v);
  return {y, u, v, uv3, mul(uv3, v4), (bytes[31] & std::byte{0x80}) != std::byte{0}};
}

std::optional<AffinePoint> finish_root(const RootQuery& query, const Field51& power) noexcept {
  // x = u v^3 (u v^7)^((p-5)/8) is a root of u/v or of -u/v, when either has one (RFC 8032, 5.1.3).
  Field51 x = mul(query.uv3, power);
  const Field51 vxx = mul(query.v, square(x));
  if (!equal(vxx, query.u)) {
    if (!is_zero(add(vxx, query.u))) return std::nullopt;
    x = mul(x, kSqrtMinusOne);
  }
  if (is_odd(x) != query.odd) x = negate(x);
  return AffinePoint{x, query.y, mul(x, query.y)};
}

std::optional<AffinePoint> decompress(std::span<const std::byte, 32> bytes) noexcept {
  const RootQuery query = root_query(bytes);
  return finish_root(query, power_p58(query.uv7));
}

std::array<std::byte, 32> compress(const ExtendedPoint& point) noexcept {
  const Field51 inverse = invert(point.z);
  auto bytes = field_to_bytes(mul(point.y, inverse));
  if (is_odd(mul(point.x, inverse))) bytes[31] |= std::byte{0x80};
  return bytes;
}

}  // namespace sovereign::crypto::ed25519
