// The reference: 64-bit arithmetic that any CPU of the day has.
#include "crypto/ed25519/backend.h"
#include "crypto/ed25519/pippenger.h"
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

void decompress_each(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  for (const EncodedPoint encoding : encodings)
    *out++ = decompress(std::span<const std::byte, 32>(encoding, 32));
}

}  // namespace

const Backend& portable_backend() {
  static constexpr Backend backend{"portable", decompress_each, straus<PortableCurve>,
                                   pippenger<PortableCurve>};
  return backend;
}

}  // namespace sovereign::crypto::ed25519
