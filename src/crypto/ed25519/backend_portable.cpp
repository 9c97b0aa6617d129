// The reference: 64-bit arithmetic that any CPU of the day has.
#include "crypto/ed25519/backend.h"
#include "crypto/ed25519/pippenger.h"
#include "crypto/ed25519/power_chain.h"
#include "crypto/ed25519/straus.h"

namespace sovereign::crypto::ed25519 {
namespace {

struct PortableCurve {
  using Point = ExtendedPoint;
  using Cached = CachedPoint;

  static Point identity() { return kIdentity; }
  static Point from(const AffinePoint& p) { return ed25519::to_extended(p); }
  static Cached to_cached(const Point& p) { return ed25519::to_cached(p); }
  static Point double_point(const Point& p) { return ed25519::double_point(p); }
  static Point add(const Point& p, const Cached& q, bool negative) { return ed25519::add(p, q, negative); }
  static Point add(const Point& p, const AffineCachedPoint& q, bool negative) {
    return ed25519::add(p, q, negative);
  }
  static ExtendedPoint to_extended(const Point& p) { return p; }
};

std::span<const std::byte, 32> bytes_of(EncodedPoint encoding) {
  return std::span<const std::byte, 32>(encoding, 32);
}

// Two at a time: each squaring of a root's exponentiation waits for the one before, and the other fills the
// time.
void decompress_in_pairs(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  std::size_t i = 0;
  for (; i + 1 < encodings.size(); i += 2) {
    const RootQuery first = root_query(bytes_of(encodings[i]));
    const RootQuery second = root_query(bytes_of(encodings[i + 1]));
    const auto powers = power_p58_of(InTurn<Field51, 2>{{first.uv7, second.uv7}});
    out[i] = finish_root(first, powers.element[0]);
    out[i + 1] = finish_root(second, powers.element[1]);
  }
  if (i < encodings.size()) out[i] = decompress(bytes_of(encodings[i]));
}

}  // namespace

const Backend& portable_backend() {
  static constexpr Backend backend{"portable", decompress_in_pairs, straus<PortableCurve>,
                                   pippenger<PortableCurve>};
  return backend;
}

}  // namespace sovereign::crypto::ed25519
