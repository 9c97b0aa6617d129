// Compiled with -mavx512f: keep the C++ library out of it (see hash128_avx2.cpp).
#include "cache/hash128_simd.h"

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX512
#include <immintrin.h>
#include <xxhash.h>

namespace sovereign::cache {

Hash128 hash128_avx512(const char* bytes, std::size_t size) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  _mm256_zeroupper();
  return {hash.low64, hash.high64};
}

}  // namespace sovereign::cache
