// Arithmetic by AVX-512 IFMA: sums of many terms and decoding with eight points in eight lanes, sums of few
// with the four coordinates of one point in four.
#include "crypto/ed25519/backend.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "crypto/ed25519/field51.h"
#include "crypto/ed25519/ifma_target.h"
#include "crypto/ed25519/point.h"
#include "crypto/ed25519/scalar.h"

#ifdef SOVEREIGN_HAS_IFMA
#include <immintrin.h>

SOVEREIGN_IFMA_BEGIN
#include "crypto/ed25519/curve_ifma.h"
#include "crypto/ed25519/field_ifma.h"
#include "crypto/ed25519/lists_ifma.h"
#include "crypto/ed25519/power_chain.h"
#include "crypto/ed25519/straus.h"

namespace sovereign::crypto::ed25519 {
namespace {

// From so many terms, lists are faster than one chain (measured).
constexpr std::size_t kTermsForLists = 6;

ExtendedPoint sum_of_terms(std::span<const Term> terms) {
  return terms.size() < kTermsForLists ? straus<IfmaCurve>(terms) : straus_by_lists(terms);
}

// As root_query() and finish_root() of point.h, eight encodings at a time.
struct RootQueryX8 {
  IfmaFieldX8 y, u, v, uv3, uv7;
  __mmask8 odd;
};

RootQueryX8 root_query(std::span<const EncodedPoint> encodings) {
  alignas(64) std::uint64_t word[4][8] = {};
  for (std::size_t lane = 0; lane < encodings.size(); ++lane) {
    std::uint64_t words[4];
    std::memcpy(words, encodings[lane], 32);
    for (std::size_t i = 0; i < 4; ++i) word[i][lane] = words[i];
  }
  __m512i w[4];
  for (int i = 0; i < 4; ++i) w[i] = _mm512_load_si512(word[i]);
  const __m512i mask = EightLanes::all(kMask51);
  const auto limb = [&](__m512i low, __m512i high) {
    return _mm512_and_si512(_mm512_or_si512(low, high), mask);
  };
  const IfmaFieldX8 y{{_mm512_and_si512(w[0], mask),
                       limb(_mm512_srli_epi64(w[0], 51), _mm512_slli_epi64(w[1], 13)),
                       limb(_mm512_srli_epi64(w[1], 38), _mm512_slli_epi64(w[2], 26)),
                       limb(_mm512_srli_epi64(w[2], 25), _mm512_slli_epi64(w[3], 39)),
                       _mm512_and_si512(_mm512_srli_epi64(w[3], 12), mask)}};
  const auto one = sums_of(in_all_lanes<EightLanes>(kOne));
  const auto yy = square_sums(y);
  const auto u = carry(minus(yy, one));
  const auto v = carry(plus(product(carry(yy), in_all_lanes<EightLanes>(kEdwardsD)), one));
  const auto v3 = mul(square(v), v);
  const auto uv3 = mul(u, v3);
  return {y, u, v, uv3, mul(uv3, mul(v3, v)), _mm512_movepi64_mask(w[3])};
}

__mmask8 zeros(const IfmaFieldX8& a) {
  const IfmaFieldX8 r = reduced(a);
  const __m512i any = _mm512_or_si512(_mm512_or_si512(_mm512_or_si512(r.limb[0], r.limb[1]), r.limb[2]),
                                      _mm512_or_si512(r.limb[3], r.limb[4]));
  return _mm512_testn_epi64_mask(any, any);
}

void finish_root(const RootQueryX8& query, const IfmaFieldX8& power, std::size_t count,
                 std::optional<AffinePoint>* out) {
  IfmaFieldX8 x = mul(query.uv3, power);
  const auto vxx = product(query.v, square(x));
  const __mmask8 root = zeros(carry(minus(vxx, sums_of(query.u))));
  const __mmask8 root_of_opposite = zeros(carry(plus(vxx, sums_of(query.u))));
  const IfmaFieldX8 other = mul(x, in_all_lanes<EightLanes>(kSqrtMinusOne));
  for (int i = 0; i < 5; ++i) x.limb[i] = _mm512_mask_blend_epi64(root, other.limb[i], x.limb[i]);
  const __m512i parity = reduced(x).limb[0];
  const auto wrong = static_cast<__mmask8>(_mm512_test_epi64_mask(parity, EightLanes::all(1)) ^ query.odd);
  for (int i = 0; i < 5; ++i)
    x.limb[i] = _mm512_mask_sub_epi64(x.limb[i], wrong, EightLanes::all(two_p(i)), x.limb[i]);
  x = carry(sums_of(x));
  const IfmaFieldX8 t = mul(x, query.y);

  alignas(64) std::uint64_t word[3][5][8];
  for (int i = 0; i < 5; ++i) {
    _mm512_store_si512(word[0][i], x.limb[i]);
    _mm512_store_si512(word[1][i], query.y.limb[i]);
    _mm512_store_si512(word[2][i], t.limb[i]);
  }
  const unsigned valid = static_cast<unsigned>(root) | root_of_opposite;
  for (std::size_t lane = 0; lane < count; ++lane) {
    out[lane].reset();
    if ((valid >> lane & 1) == 0) continue;
    AffinePoint& point = out[lane].emplace();
    for (std::size_t i = 0; i < 5; ++i) {
      point.x.limb[i] = word[0][i][lane];
      point.y.limb[i] = word[1][i][lane];
      point.t.limb[i] = word[2][i][lane];
    }
  }
}

// At most 8 * groups encodings.
template <int groups>
void decompress_together(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  RootQueryX8 query[groups];
  InTurn<IfmaFieldX8, groups> powers;
  for (std::size_t i = 0; i < groups; ++i) {
    query[i] = root_query(encodings.subspan(8 * i, std::min<std::size_t>(8, encodings.size() - 8 * i)));
    powers.element[i] = query[i].uv7;
  }
  powers = power_p58_of(powers);
  for (std::size_t i = 0; i < groups; ++i)
    finish_root(query[i], powers.element[i], std::min<std::size_t>(8, encodings.size() - 8 * i), out + 8 * i);
}

void decompress_in_lanes(std::span<const EncodedPoint> encodings, std::optional<AffinePoint>* out) {
  while (!encodings.empty()) {
    const std::size_t count = std::min<std::size_t>(16, encodings.size());
    const auto some = encodings.first(count);
    if (count == 1) {
      *out = decompress(std::span<const std::byte, 32>(some[0], 32));
    } else if (count <= 8) {
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
SOVEREIGN_IFMA_END

namespace sovereign::crypto::ed25519 {

const Backend* ifma_backend() {
  static constexpr Backend backend{"avx512_ifma", decompress_in_lanes, sum_of_terms, nullptr};
  // GCC's and Clang's run time asks the operating system too (XGETBV), whether it keeps these registers.
  static const bool present = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                              __builtin_cpu_supports("avx512ifma");
  return present ? &backend : nullptr;
}

}  // namespace sovereign::crypto::ed25519

#else

namespace sovereign::crypto::ed25519 {
const Backend* ifma_backend() { return nullptr; }
}  // namespace sovereign::crypto::ed25519

#endif
