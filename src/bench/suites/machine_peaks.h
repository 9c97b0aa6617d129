// What this machine could do at most, for rooflines: measured, not taken from a data sheet.
#pragma once

#include <cstddef>

namespace sovereign::bench {

// Bytes per second that `threads` threads read together from memory far larger than the caches; the best
// of several passes.
double read_bytes_per_second(std::size_t threads);

// 8-bit multiply-adds per second of `threads` threads with vpmaddubsw and one 16-bit addition each, on
// registers, nothing else: the ceiling of the AVX2 kernels. 0 where the CPU has no AVX2.
double avx2_multiply_adds_per_second(std::size_t threads);

}  // namespace sovereign::bench
