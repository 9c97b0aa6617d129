// Row kernels for avx512; compiled with its flags, called only where the CPU has it.
#define ROW_VECTOR_BYTES 64
#define SOVEREIGN_ROW_KERNELS kAvx512RowKernels
#define SOVEREIGN_ROW_KERNELS_NAME "avx512"
#include "engine/row_kernels_body.inc"
