#include "kernels/kernel_set.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>

#include "kernels/attention_kernels.h"

namespace sovereign::kernels {

extern const KernelSet kReferenceKernels;
#if defined(__x86_64__)
extern const KernelSet kAvx2Kernels;
extern const KernelSet kAvxVnniKernels;
extern const KernelSet kAvx512VlVnniKernels;
extern const KernelSet kAvx512Kernels;
extern const AttentionKernels kAvx2Attention;
extern const AttentionKernels kAvx512Attention;
#endif

namespace {

// The compiler's check of AVX2 includes the operating system's, which saves the registers of all of these;
// what not every compiler's check knows the name of is read from the CPU.
bool has_avx2() {
#if defined(__x86_64__)
  constexpr unsigned kF16c = 1U << 29U;  // of ECX of leaf 1
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & kF16c) != 0;
#else
  return false;
#endif
}

bool has_avx_vnni() {
#if defined(__x86_64__)
  constexpr unsigned kAvxVnni = 1U << 4U;  // of EAX of leaf 7, subleaf 1
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
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

// Of Kernels, what this CPU can run: ascending, the reference first.
template <class Kernels>
struct Supported {
  std::array<const Kernels*, 5> list{};
  std::size_t count = 0;

  explicit Supported(const Kernels& reference) { add(reference); }
  void add(const Kernels& kernels) { list[count++] = &kernels; }
  const Kernels* fast() const { return count > 1 ? list[count - 1] : nullptr; }
  std::span<const Kernels* const> all() const { return {list.data(), count}; }
};

const Supported<KernelSet>& matrices() {
  static const auto supported = [] {
    Supported<KernelSet> all(kReferenceKernels);
#if defined(__x86_64__)
    if (has_avx2()) all.add(kAvx2Kernels);
    if (has_avx_vnni()) all.add(kAvxVnniKernels);
    if (has_avx512_vnni()) all.add(kAvx512VlVnniKernels);
    if (has_avx512_vnni()) all.add(kAvx512Kernels);
#endif
    return all;
  }();
  return supported;
}

const Supported<AttentionKernels>& attention() {
  static const auto supported = [] {
    Supported<AttentionKernels> all(reference_attention());
#if defined(__x86_64__)
    if (has_avx2()) all.add(kAvx2Attention);
    // Without VNNI it would run too: but where there is AVX-512 and no VNNI, the whole core slows down for
    // it.
    if (has_avx512_vnni()) all.add(kAvx512Attention);
#endif
    return all;
  }();
  return supported;
}

}  // namespace

const KernelSet& reference_kernels() { return kReferenceKernels; }

const KernelSet* fast_kernels() { return matrices().fast(); }

std::span<const KernelSet* const> supported_kernels() { return matrices().all(); }

const AttentionKernels* fast_attention() { return attention().fast(); }

std::span<const AttentionKernels* const> supported_attention() { return attention().all(); }

}  // namespace sovereign::kernels
