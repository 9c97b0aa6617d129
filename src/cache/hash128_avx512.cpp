// Compiled with -mavx512f.
#include "cache/hash128_vectors.h"

#define SOVEREIGN_HASH128 hash128_avx512
#include "cache/hash128_vectors.inc"
