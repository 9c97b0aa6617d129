// Activations, quantized to 8 bits once per multiplication: the other factor of every kernel.
//
// A column (one token's vector of k inputs) becomes k bytes, and for each block of 32 inputs a scale that
// stays a float and the sums that weights with an offset or a minimum need.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/weight_type.h"

namespace sovereign::kernels {

struct ActivationBlock {
  float scale;       // x[i] is about scale * q[i]; the largest |x| of the block over 127
  float scaled_sum;  // scale * (sum of q)
  std::int32_t sum;
  std::int16_t half_sums[2];  // of the first 16 q, of the last 16
};
static_assert(sizeof(ActivationBlock) == 16);

// Blocks whose largest |x| is smaller count as zero: 127 / |x| would overflow.
inline constexpr float kSmallestActivation = 0x1p-100F;

// One quantized column in memory: the blocks, then the bytes.
struct ActivationColumn {
  const ActivationBlock* blocks;
  const std::int8_t* quants;
};

// Bytes from one column to the next; a multiple of 64.
inline constexpr std::size_t column_bytes(std::size_t k) {
  return (k / kBlock * sizeof(ActivationBlock) + k + 63) / 64 * 64;
}

inline ActivationColumn column_at(const std::byte* base, std::size_t k) {
  return {reinterpret_cast<const ActivationBlock*>(base),
          reinterpret_cast<const std::int8_t*>(base + k / kBlock * sizeof(ActivationBlock))};
}

}  // namespace sovereign::kernels
