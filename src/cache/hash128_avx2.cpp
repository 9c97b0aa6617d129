// Compiled with -mavx2 (see hash128_long.h).
#include <immintrin.h>

#include "cache/hash128_long.h"
#include "cache/hash128_simd.h"

namespace sovereign::cache {
namespace {

struct Vector256x2 {
  __m256i first;
  __m256i second;

  static Vector256x2 load(const char* bytes) {
    const auto* from = reinterpret_cast<const __m256i*>(bytes);
    return {_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
  }
  static Vector256x2 load(const Lanes& lanes) {
    const auto* from = reinterpret_cast<const __m256i*>(&lanes);
    return {_mm256_load_si256(from), _mm256_load_si256(from + 1)};
  }
  static Vector256x2 all(uint64_t number) {
    const __m256i half = _mm256_set1_epi64x(static_cast<int64_t>(number));
    return {half, half};
  }
  Vector256x2 operator+(Vector256x2 other) const {
    return {_mm256_add_epi64(first, other.first), _mm256_add_epi64(second, other.second)};
  }
  Vector256x2 operator^(Vector256x2 other) const {
    return {_mm256_xor_si256(first, other.first), _mm256_xor_si256(second, other.second)};
  }
  template <int bits>
  Vector256x2 right() const {
    return {_mm256_srli_epi64(first, bits), _mm256_srli_epi64(second, bits)};
  }
  template <int bits>
  Vector256x2 left() const {
    return {_mm256_slli_epi64(first, bits), _mm256_slli_epi64(second, bits)};
  }
  Vector256x2 low() const {
    const __m256i mask = _mm256_set1_epi64x(0xffffffff);
    return {_mm256_and_si256(first, mask), _mm256_and_si256(second, mask)};
  }
  Vector256x2 times(Vector256x2 other) const {
    return {_mm256_mul_epu32(first, other.first), _mm256_mul_epu32(second, other.second)};
  }
  Vector256x2 neighbours() const {
    constexpr int kExchanged = _MM_SHUFFLE(1, 0, 3, 2);
    return {_mm256_shuffle_epi32(first, kExchanged), _mm256_shuffle_epi32(second, kExchanged)};
  }
  Vector256x2 firsts(Vector256x2 other) const {
    return {_mm256_unpacklo_epi64(first, other.first), _mm256_unpacklo_epi64(second, other.second)};
  }
  Vector256x2 seconds(Vector256x2 other) const {
    return {_mm256_unpackhi_epi64(first, other.first), _mm256_unpackhi_epi64(second, other.second)};
  }
  Hash128 sum_of_pairs() const {
    const __m256i half = _mm256_add_epi64(first, second);
    const __m128i pair = _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return {static_cast<uint64_t>(_mm_cvtsi128_si64(pair)),
            static_cast<uint64_t>(_mm_extract_epi64(pair, 1))};
  }
};

}  // namespace

Hash128 hash128_avx2(const char* bytes, size_t size) noexcept {
  const Hash128 hash = hash128_long<Vector256x2>(bytes, size);
  // GCC 12 leaves this out here, and every SSE instruction of the caller would pay for it (100 ns in all).
  _mm256_zeroupper();
  return hash;
}

}  // namespace sovereign::cache
