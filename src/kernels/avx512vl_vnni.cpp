// The code of avx_vnni.cpp on CPUs with AVX-512 VNNI, which have a faster one: for tests and benchmarks.
#include "kernels/vnni256.h"

namespace sovereign::kernels {

extern const KernelSet kAvx512VlVnniKernels;
const KernelSet kAvx512VlVnniKernels = vnni256_kernels("avx512vl-vnni");

}  // namespace sovereign::kernels
