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
#include "crypto/ed25519/straus.h"

namespace sovereign::crypto::ed25519 {
namespace {

// A lane-wise choice of sign: x ^ flip is -x - 1 in the lanes that flip, and `bias` adds 2 p + 1 there.
struct Bias {
  __m256i even_first;  // limbs 0 and 1
  __m256i others;
};

[[gnu::always_inline]] inline __m256i lanes(long long lane0, long long lane1, long long lane2,
                                            long long lane3) {
  return _mm256_set_epi64x(lane3, lane2, lane1, lane0);
}

[[gnu::always_inline]] inline Bias bias_where(__m256i flipped) {
  constexpr long long odd = 2 * kMask25 + 1;
  constexpr long long even = 2 * kMask26 + 1;
  constexpr long long lowest = 2 * (kMask26 - 18) + 1;
  return {_mm256_and_si256(flipped, _mm256_set1_epi64x(odd << 32 | lowest)),
          _mm256_and_si256(flipped, _mm256_set1_epi64x(odd << 32 | even))};
}

[[gnu::always_inline]] inline __m256i bias_of(const Bias& bias, int pair) {
  return pair == 0 ? bias.even_first : bias.others;
}

struct Avx2Curve {
  // Lanes X, Y, Z, T; tight.
  struct Point {
    FieldX4 lanes;
  };
  // Lanes Y-X, Y+X, 2 Z, 2 d T.
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
    static const FieldX4 scale = pack(kOne, kOne, Field51{{2, 0, 0, 0, 0}}, kEdwardsD2);
    FieldX4 sums = difference_and_sum(p.lanes);
    Cached cached;
    mul(cached.lanes, sums, scale);
    return cached;
  }

  static Point double_point(const Point& p) {
    const __m256i last = lanes(0, 0, 0, -1);
    FieldX4 roots;  // X, Y, Z, X+Y
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i v = p.lanes.pair[i];
      const __m256i x_last = _mm256_permute4x64_epi64(v, 0x24);  // X, Y, Z, X
      const __m256i y_last = _mm256_and_si256(_mm256_permute4x64_epi64(v, 0x55), last);
      roots.pair[i] = _mm256_add_epi32(x_last, y_last);
    }
    FieldX4 s;
    square(s, roots);

    // With S = X^2, Y^2, Z^2, (X+Y)^2: the lanes X^2+Y^2, X^2-Y^2, 2 Z^2+X^2-Y^2, X^2+Y^2-(X+Y)^2. All four
    // of E, F, G, H come out with the sign of E and G changed, which is the same point.
    const __m256i flip_y = lanes(0, -1, -1, 0);
    const __m256i flip_rest = lanes(0, 0, 0, -1);
    const __m256i z_and_sum = lanes(0, 0, -1, -1);
    const __m256i z_only = lanes(0, 0, -1, 0);
    const Bias bias = bias_where(lanes(0, -1, -1, -1));
    FieldX4 v, left, right;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i xx = _mm256_permute4x64_epi64(s.pair[i], 0x00);
      const __m256i yy = _mm256_xor_si256(_mm256_permute4x64_epi64(s.pair[i], 0x55), flip_y);
      const __m256i rest = _mm256_xor_si256(
          _mm256_add_epi32(_mm256_and_si256(s.pair[i], z_and_sum), _mm256_and_si256(s.pair[i], z_only)),
          flip_rest);
      v.pair[i] = _mm256_add_epi32(_mm256_add_epi32(xx, yy), _mm256_add_epi32(rest, bias_of(bias, i)));
    }
    carry(v);
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      left.pair[i] = _mm256_permute4x64_epi64(v.pair[i], 0x12);   // lanes 2, 0, 1, 0
      right.pair[i] = _mm256_permute4x64_epi64(v.pair[i], 0xE7);  // lanes 3, 1, 2, 3
    }
    Point out;
    mul(out.lanes, left, right);
    return out;
  }

  static Point add(const Point& p, const Cached& q, bool negative) { return add_lanes(p, q.lanes, negative); }

  static Point add(const Point& p, const AffineCachedPoint& q, bool negative) {
    return add_lanes(p, pack(q.sums[1], q.sums[0], Field51{{2, 0, 0, 0, 0}}, q.t2d), negative);
  }

 private:
  // Y-X, Y+X, Z, T.
  [[gnu::always_inline]] static FieldX4 difference_and_sum(const FieldX4& p) {
    const __m256i flip = lanes(-1, 0, 0, 0);
    const __m256i first_two = lanes(-1, -1, 0, 0);
    const Bias bias = bias_where(flip);
    FieldX4 out;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i swapped = _mm256_and_si256(_mm256_shuffle_epi32(p.pair[i], 0x4E), first_two);  // Y, X
      out.pair[i] =
          _mm256_add_epi32(_mm256_add_epi32(swapped, _mm256_xor_si256(p.pair[i], flip)), bias_of(bias, i));
    }
    return out;
  }

  static Point add_lanes(const Point& p, const FieldX4& q, bool negative) {
    // The opposite of q: Y-X and Y+X change places, and T its sign, which is made good below.
    const __m256i order =
        negative ? _mm256_setr_epi32(2, 3, 0, 1, 4, 5, 6, 7) : _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const FieldX4 sums = difference_and_sum(p.lanes);
    FieldX4 factors, r;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) factors.pair[i] = _mm256_permutevar8x32_epi32(q.pair[i], order);
    mul(r, sums, factors);  // A, B, D, C

    // E = B-A, H = B+A, F = D-C, G = D+C; F and G change places for the opposite.
    const __m256i sign = _mm256_set1_epi64x(negative ? -1 : 0);
    const __m256i flip_r = _mm256_or_si256(lanes(-1, 0, 0, 0), _mm256_and_si256(sign, lanes(0, 0, 0, -1)));
    const __m256i flip_swapped = _mm256_andnot_si256(sign, lanes(0, 0, -1, 0));
    const Bias bias = bias_where(_mm256_or_si256(flip_r, flip_swapped));
    FieldX4 left, right;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) {
      const __m256i swapped =
          _mm256_xor_si256(_mm256_shuffle_epi32(r.pair[i], 0x4E), flip_swapped);  // B, A, C, D
      const __m256i straight = _mm256_xor_si256(r.pair[i], flip_r);
      const __m256i v = _mm256_add_epi32(_mm256_add_epi32(swapped, straight), bias_of(bias, i));
      left.pair[i] = _mm256_permute4x64_epi64(v, 0x2C);   // E, G, F, E
      right.pair[i] = _mm256_permute4x64_epi64(v, 0x76);  // F, H, G, H
    }
    Point out;
    mul(out.lanes, left, right);
    return out;
  }
};

void decompress_by_four(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  for (std::size_t begin = 0; begin < encodings.size(); begin += 4) {
    const std::size_t count = std::min<std::size_t>(4, encodings.size() - begin);
    if (count == 1) {
      out[begin] = decompress(std::span<const std::byte, 32>(encodings[begin], 32));
      return;
    }
    RootQuery query[4];
    Field51 base[4] = {kZero, kZero, kZero, kZero};
    Field51 power[4];
    for (std::size_t i = 0; i < count; ++i) {
      query[i] = root_query(std::span<const std::byte, 32>(encodings[begin + i], 32));
      base[i] = query[i].uv7;
    }
    unpack(power_p58(pack(base[0], base[1], base[2], base[3])), power);
    for (std::size_t i = 0; i < count; ++i) out[begin + i] = finish_root(query[i], power[i]);
  }
}

}  // namespace
}  // namespace sovereign::crypto::ed25519
SOVEREIGN_AVX2_END

namespace sovereign::crypto::ed25519 {

const Backend* avx2_backend() {
  static constexpr Backend backend{"avx2", decompress_by_four, straus<Avx2Curve>, pippenger<Avx2Curve>};
  static const bool present = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  return present ? &backend : nullptr;
}

}  // namespace sovereign::crypto::ed25519

#else

namespace sovereign::crypto::ed25519 {
const Backend* avx2_backend() { return nullptr; }
}  // namespace sovereign::crypto::ed25519

#endif
