// For CPUs with AVX-VNNI and without AVX-512.
#include "kernels/vnni256.h"

namespace sovereign::kernels {

extern const KernelSet kAvxVnniKernels;
const KernelSet kAvxVnniKernels = vnni256_kernels("avx-vnni");

}  // namespace sovereign::kernels
