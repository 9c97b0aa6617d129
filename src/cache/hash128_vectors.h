// hash128() for processors with wider vectors than the program as a whole may use; the same results.
#pragma once

#include <cstddef>

#include "cache/hash128.h"

namespace sovereign::cache {

// Only where the processor, and the system, have these instructions.
Hash128 hash128_avx2(const char* bytes, std::size_t size) noexcept;
Hash128 hash128_avx512(const char* bytes, std::size_t size) noexcept;  // AVX-512F

}  // namespace sovereign::cache
