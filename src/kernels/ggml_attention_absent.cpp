// For builds with the system's llama.cpp.
#include "kernels/ggml_attention.h"

namespace sovereign::kernels {

bool use_attention(const AttentionKernels* /*kernels*/) { return false; }

}  // namespace sovereign::kernels
