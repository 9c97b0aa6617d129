// Compiled with -mavx2.
#include "cache/hash128_vectors.h"

#define SOVEREIGN_HASH128 hash128_avx2
#include "cache/hash128_vectors.inc"
