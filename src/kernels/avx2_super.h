// AVX2 kernels of the types with 256-input blocks (avx2_super.cpp), and rounding of activations (avx2.cpp).
#pragma once

#include <cstddef>

#include "kernels/activations.h"

namespace sovereign::kernels {

void multiply_q4_k_avx2(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                        float* const* outputs);
void multiply_q5_k_avx2(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                        float* const* outputs);
void multiply_q6_k_avx2(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                        float* const* outputs);

void quantize_avx2(const float* x, std::size_t k, ActivationBlock* out, std::size_t stride);

}  // namespace sovereign::kernels
