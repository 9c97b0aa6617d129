#include "kernels/kernel_set.h"

#include <array>

namespace sovereign::kernels {

extern const KernelSet kReferenceKernels;
#if defined(__x86_64__)
extern const KernelSet kAvx2Kernels;
#endif

namespace {

struct Supported {
  std::array<const KernelSet*, 2> list{&kReferenceKernels};  // ascending
  std::size_t count = 1;

  Supported() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
      list[count++] = &kAvx2Kernels;
    }
#endif
  }
};

const Supported& supported() {
  static const Supported instance;
  return instance;
}

}  // namespace

const KernelSet& reference_kernels() { return kReferenceKernels; }

const KernelSet* fast_kernels() {
  return supported().count > 1 ? supported().list[supported().count - 1] : nullptr;
}

std::span<const KernelSet* const> supported_kernels() { return {supported().list.data(), supported().count}; }

}  // namespace sovereign::kernels
