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
  void store(Lanes& lanes) const {
    auto* to = reinterpret_cast<__m256i*>(&lanes);
    _mm256_store_si256(to, first);
    _mm256_store_si256(to + 1, second);
  }
  Vector256x2 operator+(Vector256x2 other) const {
    return {_mm256_add_epi64(first, other.first), _mm256_add_epi64(second, other.second)};
  }
  Vector256x2 operator^(Vector256x2 other) const {
    return {_mm256_xor_si256(first, other.first), _mm256_xor_si256(second, other.second)};
  }
  Vector256x2 product() const { return {product(first), product(second)}; }
  Vector256x2 neighbours() const { return {neighbours(first), neighbours(second)}; }
  Vector256x2 scrambled(Vector256x2 key) const {
    return {scrambled(first, key.first), scrambled(second, key.second)};
  }

 private:
  static __m256i product(__m256i half) { return _mm256_mul_epu32(half, _mm256_srli_epi64(half, 32)); }
  static __m256i neighbours(__m256i half) { return _mm256_shuffle_epi32(half, _MM_SHUFFLE(1, 0, 3, 2)); }
  static __m256i scrambled(__m256i half, __m256i key) {
    const __m256i mixed = _mm256_xor_si256(_mm256_xor_si256(half, _mm256_srli_epi64(half, 47)), key);
    const __m256i prime = _mm256_set1_epi64x(kPrime32[0]);
    const __m256i upper = _mm256_mul_epu32(_mm256_srli_epi64(mixed, 32), prime);
    return _mm256_add_epi64(_mm256_mul_epu32(mixed, prime), _mm256_slli_epi64(upper, 32));
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
