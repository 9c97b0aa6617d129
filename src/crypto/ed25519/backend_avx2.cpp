// Point arithmetic with the four coordinates of a point in the four lanes of AVX2 registers: an addition is
// two vector multiplications, a doubling one and a vector squaring (Hisil, Wong, Carter, Dawson 2008, section
// 4: four processors). Decoding takes four points at once, one per lane.
#include "crypto/ed25519/backend.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "crypto/ed25519/avx2_target.h"
#include "crypto/ed25519/field51.h"
#include "crypto/ed25519/point.h"
#include "crypto/ed25519/scalar.h"

#ifdef SOVEREIGN_HAS_AVX2
#include <immintrin.h>

SOVEREIGN_AVX2_BEGIN
#include "crypto/ed25519/field_avx2.h"
#include "crypto/ed25519/pippenger.h"
#include "crypto/ed25519/power_chain.h"
#include "crypto/ed25519/straus.h"

namespace sovereign::crypto::ed25519 {
namespace {

struct Avx2Curve {
  // Lanes X, Y, Z, T; tight.
  struct Point {
    FieldX4 lanes;
  };
  // Lanes Y-X, Y+X, 2 Z, 2 d T; tight.
  struct Cached {
    FieldX4 lanes;
  };

  static Point identity() { return {pack(kZero, kOne, kOne, kZero)}; }
  static Point from(const AffinePoint& p) { return {pack(p.x, p.y, kOne, p.t)}; }

  static ExtendedPoint to_extended(const Point& p) {
    Field51 coordinate[4];
    unpack(p.lanes, coordinate);
    return {coordinate[0], coordinate[1], coordinate[2], coordinate[3]};
  }

  static Cached to_cached(const Point& p) {
    static const FieldX4 scale = pack(kOne, kOne, kTwo, kEdwardsD2);
    return {mul(difference_and_sum(p.lanes), scale)};
  }

  [[gnu::always_inline]] static inline Point double_point(const Point& p) {
    const __m256d two_last = _mm256_setr_pd(1, 1, 1, 2);
    FieldX4 left, right;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      left.limb[i] = _mm256_mul_pd(_mm256_permute4x64_pd(p.lanes.limb[i], 0x64), two_last);  // X, Y, Z, 2 Y
      right.limb[i] = _mm256_permute4x64_pd(p.lanes.limb[i], 0x24);                          // X, Y, Z, X
    }
    const FieldX4 s = mul(left, right);
    // E = 2 X Y, H = -(X^2 + Y^2), F = Y^2 - X^2 - 2 Z^2, G = Y^2 - X^2, all with their signs changed, which
    // is the same point.
    const __m256d sign_first = _mm256_setr_pd(-1, 1, 1, 1);
    const __m256d sign_second = _mm256_setr_pd(0, 1, -1, -1);
    const __m256d only_z = _mm256_setr_pd(0, 0, 2, 0);
    FieldX4 ehfg;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256d first = _mm256_permute4x64_pd(s.limb[i], 0x03);   // 2 X Y, X^2, X^2, X^2
      const __m256d second = _mm256_permute4x64_pd(s.limb[i], 0x55);  // Y^2 in all
      ehfg.limb[i] = _mm256_fmadd_pd(first, sign_first,
                                     _mm256_fmadd_pd(second, sign_second, _mm256_mul_pd(s.limb[i], only_z)));
    }
    return complete(ehfg);
  }

  [[gnu::always_inline]] static inline Point add(const Point& p, const Cached& q, bool negative) {
    return add_lanes(p, q.lanes, negative);
  }

  [[gnu::always_inline]] static inline Point add(const Point& p, const AffineCachedPoint& q, bool negative) {
    return add_lanes(p, pack(ed25519::carry(q.sums[1]), ed25519::carry(q.sums[0]), kTwo, q.t2d), negative);
  }

 private:
  static constexpr Field51 kTwo{{2, 0, 0, 0, 0}};

  // Y-X, Y+X, Z, T.
  [[gnu::always_inline]] static inline FieldX4 difference_and_sum(const FieldX4& p) {
    const __m256d sign = _mm256_setr_pd(-1, 1, 1, 1);
    FieldX4 out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256d swapped = _mm256_permute_pd(p.limb[i], 0x5);  // Y, X, T, Z
      out.limb[i] = _mm256_fmadd_pd(p.limb[i], sign, _mm256_blend_pd(swapped, _mm256_setzero_pd(), 0xC));
    }
    return out;
  }

  // E F, G H, F G, E H from the lanes E, H, F, G of up to four tight terms.
  [[gnu::always_inline]] static inline Point complete(const FieldX4& ehfg) {
    const FieldX4 v = carry(ehfg);
    FieldX4 left, right;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      left.limb[i] = _mm256_permute4x64_pd(v.limb[i], 0x24);   // E, H, F, E
      right.limb[i] = _mm256_permute4x64_pd(v.limb[i], 0x7E);  // F, G, G, H
    }
    return {mul(left, right)};
  }

  [[gnu::always_inline]] static inline Point add_lanes(const Point& p, const FieldX4& q, bool negative) {
    // The opposite of q: Y-X and Y+X change places, and T its sign.
    const __m256i order = negative ? _mm256_setr_epi64x(2, 0, 0, 2) : _mm256_setr_epi64x(0, 2, 0, 2);
    const __m256d sign = negative ? _mm256_setr_pd(0, 0, 0, -0.0) : _mm256_setzero_pd();
    FieldX4 factors;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) factors.limb[i] = _mm256_xor_pd(_mm256_permutevar_pd(q.limb[i], order), sign);
    const FieldX4 r = mul(difference_and_sum(p.lanes), factors);  // A, B, D, C
    FieldX4 ehfg;                                                 // B-A, B+A, D-C, D+C
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256d swapped = _mm256_permute_pd(r.limb[i], 0x5);  // B, A, C, D
      ehfg.limb[i] = _mm256_addsub_pd(_mm256_blend_pd(swapped, r.limb[i], 0xC),
                                      _mm256_blend_pd(r.limb[i], swapped, 0xC));
    }
    return complete(ehfg);
  }
};

template <int groups>
void decompress_together(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  RootQuery query[4 * groups];
  Field51 base[4 * groups];
  std::fill(std::begin(base), std::end(base), kZero);
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    query[i] = root_query(std::span<const std::byte, 32>(encodings[i], 32));
    base[i] = query[i].uv7;
  }
  InTurn<FieldX4, groups> powers;
  for (int i = 0; i < groups; ++i) {
    const Field51* four = base + 4 * i;
    powers.element[i] = pack(four[0], four[1], four[2], four[3]);
  }
  powers = power_p58_of(powers);
  Field51 power[4 * groups];
  for (int i = 0; i < groups; ++i) unpack(powers.element[i], power + 4 * i);
  for (std::size_t i = 0; i < encodings.size(); ++i) out[i] = finish_root(query[i], power[i]);
}

void decompress_in_lanes(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  while (!encodings.empty()) {
    const std::size_t count = std::min<std::size_t>(8, encodings.size());
    const auto some = encodings.first(count);
    if (count == 1) {
      *out = decompress(std::span<const std::byte, 32>(some[0], 32));
    } else if (count <= 4) {
      decompress_together<1>(some, out);
    } else {
      decompress_together<2>(some, out);
    }
    encodings = encodings.subspan(count);
    out += count;
  }
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
SOVEREIGN_AVX2_END

namespace sovereign::crypto::ed25519 {

const Backend* avx2_backend() {
  static constexpr Backend backend{"avx2", decompress_in_lanes, straus<Avx2Curve>, pippenger<Avx2Curve>};
  static const bool present = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return present ? &backend : nullptr;
}

}  // namespace sovereign::crypto::ed25519

#else

namespace sovereign::crypto::ed25519 {
const Backend* avx2_backend() { return nullptr; }
}  // namespace sovereign::crypto::ed25519

#endif
