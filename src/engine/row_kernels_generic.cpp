// Row kernels for any CPU: 16-byte vectors.
#define ROW_VECTOR_BYTES 16
#define SOVEREIGN_ROW_KERNELS kGenericRowKernels
#define SOVEREIGN_ROW_KERNELS_NAME "generic"
#include "engine/row_kernels_body.inc"
