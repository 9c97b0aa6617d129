// hash128() of more than 240 bytes for processors with wider registers; the same result.
#pragma once

#include <cstddef>

#include "cache/hash128.h"

namespace sovereign::cache {

// Only where the processor has AVX2.
Hash128 hash128_avx2(const char* bytes, std::size_t size) noexcept;
// Only where it has AVX-512 F.
Hash128 hash128_avx512(const char* bytes, std::size_t size) noexcept;

}  // namespace sovereign::cache
