// Between SOVEREIGN_AVX2_BEGIN and SOVEREIGN_AVX2_END, functions are compiled for CPUs with AVX2 and FMA.
// Standard and shared headers are included before, so that nothing which other files also use is compiled for
// them. (Clang takes templates' instances made in between along; a program for older CPUs is built with GCC.)
#pragma once

#if defined(__x86_64__)
#define SOVEREIGN_HAS_AVX2 1
#if defined(__clang__)
#define SOVEREIGN_AVX2_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")
#define SOVEREIGN_AVX2_END _Pragma("clang attribute pop")
#else
#define SOVEREIGN_AVX2_BEGIN _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,fma\")")
#define SOVEREIGN_AVX2_END _Pragma("GCC pop_options")
#endif
#endif
