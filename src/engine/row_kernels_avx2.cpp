// Row kernels for avx2; compiled with its flags, called only where the CPU has it.
#define ROW_VECTOR_BYTES 32
#define SOVEREIGN_ROW_KERNELS kAvx2RowKernels
#define SOVEREIGN_ROW_KERNELS_NAME "avx2"
#include "engine/row_kernels_body.inc"
