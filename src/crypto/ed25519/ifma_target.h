// Between SOVEREIGN_IFMA_BEGIN and SOVEREIGN_IFMA_END, functions are compiled for CPUs with AVX-512 IFMA. As
// avx2_target.h says: shared headers come before. (GCC 12 warns of its own intrinsics, which begin with a
// register that is undefined on purpose.)
#pragma once

#if defined(__x86_64__)
#define SOVEREIGN_HAS_IFMA 1
#if defined(__clang__)
// One literal: _Pragma takes no concatenated ones.
// clang-format off
#define SOVEREIGN_IFMA_BEGIN \
  _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512dq,avx512bw,avx512vl,avx512ifma\"))), apply_to = function)")
// clang-format on
#define SOVEREIGN_IFMA_END _Pragma("clang attribute pop")
#else
#define SOVEREIGN_IFMA_BEGIN                                                                           \
  _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512dq,avx512bw,avx512vl,avx512ifma\")") \
      _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wuninitialized\"")             \
          _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define SOVEREIGN_IFMA_END _Pragma("GCC diagnostic pop") _Pragma("GCC pop_options")
#endif
#endif
