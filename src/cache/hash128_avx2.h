// hash128() for processors with AVX2; the same result.
#pragma once

#include <cstddef>

#include "cache/hash128.h"

namespace sovereign::cache {

// Only where the processor has AVX2.
Hash128 hash128_avx2(const char* bytes, std::size_t size) noexcept;

}  // namespace sovereign::cache
