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
  static Vector512 all(uint64_t number) { return {_mm512_set1_epi64(static_cast<int64_t>(number))}; }
  Vector512 operator+(Vector512 other) const { return {_mm512_add_epi64(lanes, other.lanes)}; }
  Vector512 operator^(Vector512 other) const { return {_mm512_xor_si512(lanes, other.lanes)}; }
  template <unsigned bits>
  Vector512 right() const {
    return {_mm512_srli_epi64(lanes, bits)};
  }
  template <unsigned bits>
  Vector512 left() const {
    return {_mm512_slli_epi64(lanes, bits)};
  }
  Vector512 low() const { return {_mm512_and_si512(lanes, _mm512_set1_epi64(0xffffffff))}; }
  Vector512 times(Vector512 other) const { return {_mm512_mul_epu32(lanes, other.lanes)}; }
  Vector512 neighbours() const { return {_mm512_shuffle_epi32(lanes, _MM_PERM_BADC)}; }
  Vector512 firsts(Vector512 other) const { return {_mm512_unpacklo_epi64(lanes, other.lanes)}; }
  Vector512 seconds(Vector512 other) const { return {_mm512_unpackhi_epi64(lanes, other.lanes)}; }
  Hash128 sum_of_pairs() const {
    const __m256i half = _mm256_add_epi64(_mm512_castsi512_si256(lanes), _mm512_extracti64x4_epi64(lanes, 1));
    const __m128i pair = _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return {static_cast<uint64_t>(_mm_cvtsi128_si64(pair)),
            static_cast<uint64_t>(_mm_extract_epi64(pair, 1))};
  }
};

}  // namespace

Hash128 hash128_avx512(const char* bytes, size_t size) noexcept {
  const Hash128 hash = hash128_long<Vector512>(bytes, size);
  _mm256_zeroupper();
  return hash;
}

}  // namespace sovereign::cache
