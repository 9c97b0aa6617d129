// Compiled with -mavx2: keep the C++ library out of it, or its inline functions, compiled for AVX2,
// could be the copies that the linker keeps for everyone.
#include "cache/hash128_simd.h"

#define XXH_INLINE_ALL
#define XXH_NO_PREFETCH  // what is hashed was just written or received: it is in the cache
#include <immintrin.h>
#include <xxhash.h>

namespace sovereign::cache {

Hash128 hash128_avx2(const char* bytes, std::size_t size) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  // GCC 12 leaves this out here, and every SSE instruction of the caller would pay for it (100 ns in all).
  _mm256_zeroupper();
  return {hash.low64, hash.high64};
}

}  // namespace sovereign::cache
