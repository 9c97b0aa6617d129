// Compiled with -mavx512f (see hash128_long.h).
#include <immintrin.h>

#include "cache/hash128_long.h"
#include "cache/hash128_simd.h"

namespace sovereign::cache {
namespace {

struct Vector512 {
  __m512i lanes;

  static Vector512 load(const char* bytes) {
    __m512i lanes = _mm512_loadu_si512(bytes);
    asm("" : "+v"(lanes));  // or GCC loads them once for each use, and most lie across two lines of cache
    return {lanes};
  }
  static Vector512 load(const Lanes& from) { return {_mm512_load_si512(&from)}; }
  void store(Lanes& to) const { _mm512_store_si512(&to, lanes); }
  Vector512 operator+(Vector512 other) const { return {_mm512_add_epi64(lanes, other.lanes)}; }
  Vector512 operator^(Vector512 other) const { return {_mm512_xor_si512(lanes, other.lanes)}; }
  Vector512 product() const { return {_mm512_mul_epu32(lanes, _mm512_srli_epi64(lanes, 32))}; }
  Vector512 neighbours() const { return {_mm512_shuffle_epi32(lanes, _MM_PERM_BADC)}; }
  Vector512 scrambled(Vector512 key) const {
    const __m512i mixed = _mm512_xor_si512(_mm512_xor_si512(lanes, _mm512_srli_epi64(lanes, 47)), key.lanes);
    const __m512i prime = _mm512_set1_epi64(kPrime32[0]);
    const __m512i upper = _mm512_mul_epu32(_mm512_srli_epi64(mixed, 32), prime);
    return {_mm512_add_epi64(_mm512_mul_epu32(mixed, prime), _mm512_slli_epi64(upper, 32))};
  }
};

}  // namespace

Hash128 hash128_avx512(const char* bytes, size_t size) noexcept {
  const Hash128 hash = hash128_long<Vector512>(bytes, size);
  _mm256_zeroupper();
  return hash;
}

}  // namespace sovereign::cache
