// What this machine could do at most, for rooflines: measured, not taken from a data sheet.
#pragma once

#include <cstddef>

namespace sovereign::bench {

// Bytes per second that `threads` threads read together from `bytes` of memory in huge pages, each its part
// of them from end to end, pass after pass, so that caches hold of it what they hold of a model of that size;
// the best of many passes, with and without prefetching.
double read_bytes_per_second(std::size_t threads, std::size_t bytes);

// What whole threads of nothing but 8-bit multiply-adds on registers reach: the ceiling of matrix kernels.
struct Int8Peak {
  const char* instruction;  // the best that this CPU has; "" where it has none
  double multiply_adds_per_second;
};
Int8Peak int8_peak(std::size_t threads);

}  // namespace sovereign::bench
