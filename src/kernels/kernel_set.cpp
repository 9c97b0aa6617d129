#include "kernels/kernel_set.h"

#include <array>

#include "kernels/attention_kernels.h"

namespace sovereign::kernels {

extern const KernelSet kReferenceKernels;
#if defined(__x86_64__)
extern const KernelSet kAvx2Kernels;
extern const KernelSet kAvx512Kernels;
extern const AttentionKernels kAvx2Attention;
#endif

namespace {

bool has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#else
  return false;
#endif
}

// The compiler's check includes the operating system's: registers that it does not save are not there.
bool has_avx512_vnni() {
#if defined(__x86_64__)
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

struct Supported {
  std::array<const KernelSet*, 3> list{&kReferenceKernels};  // ascending
  std::size_t count = 1;

  Supported() {
#if defined(__x86_64__)
    if (has_avx2()) list[count++] = &kAvx2Kernels;
    if (has_avx512_vnni()) list[count++] = &kAvx512Kernels;
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

const AttentionKernels* fast_attention() {
#if defined(__x86_64__)
  static const bool supported = has_avx2();
  return supported ? &kAvx2Attention : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace sovereign::kernels
