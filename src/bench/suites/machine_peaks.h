// What this machine could do at most, for rooflines: measured, not taken from a data sheet.
#pragma once

#include <cstddef>

namespace sovereign::bench {

// Bytes per second that `threads` threads read together from memory far larger than the caches; the best
// of several passes.
double read_bytes_per_second(std::size_t threads);

// What whole threads of nothing but 8-bit multiply-adds on registers reach: the ceiling of matrix kernels.
struct Int8Peak {
  const char* instruction;  // the best that this CPU has; "" where it has none
  double multiply_adds_per_second;
};
Int8Peak int8_peak(std::size_t threads);

}  // namespace sovereign::bench
