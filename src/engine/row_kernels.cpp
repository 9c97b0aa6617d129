#include "engine/row_kernels.h"

#include <array>

namespace sovereign::engine {

extern const RowKernels kGenericRowKernels;
#if defined(__x86_64__)
extern const RowKernels kAvx2RowKernels;
extern const RowKernels kAvx512RowKernels;
#endif

namespace {

struct Supported {
  std::array<const RowKernels*, 4> list{};  // ascending; the last is nullptr
  const RowKernels* best = &kGenericRowKernels;

  Supported() {
    std::size_t count = 0;
    const auto add = [&](const RowKernels& kernels) { list[count++] = best = &kernels; };
    add(kGenericRowKernels);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) add(kAvx2RowKernels);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      add(kAvx512RowKernels);
    }
#endif
  }
};

const Supported& supported() {
  static const Supported instance;
  return instance;
}

}  // namespace

const RowKernels& row_kernels() { return *supported().best; }

const RowKernels* const* supported_row_kernels() { return supported().list.data(); }

}  // namespace sovereign::engine
