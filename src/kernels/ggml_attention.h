// Our attention inside ggml's CPU backend, in place of its flash attention over F16 keys and values.
//
// It goes the way of ggml_weights.h: ggml asks each entry of its list of 'extra' buffer types whether it
// computes an operation, whatever memory the operands are in.
#pragma once

#include "kernels/attention_kernels.h"

namespace sovereign::kernels {

// For the whole process, from the next operation on; nullptr: ggml's own. The first call that is not for
// nullptr comes before any graph is computed. What attention.h cannot take (other types, sizes that are no
// multiple of 8, a mask for each head) stays with ggml. Returns false where the build has no way to do it
// (the system's llama.cpp), or for nullptr.
bool use_attention(const AttentionKernels* kernels);

}  // namespace sovereign::kernels
