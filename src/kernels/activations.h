// Activations, quantized to 8 bits once per multiplication: the other factor of every kernel.
//
// A column (one token's vector of k inputs) becomes a block for each 32 inputs: their bytes, a scale that
// stays a float, and the sums that weights with an offset or a minimum need.
//
// Columns lie in tiles of up to 16, block by block: the blocks of all columns of a tile that meet the same
// weights are neighbours, so a kernel reads memory from one end to the other with one pointer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/weight_type.h"

namespace sovereign::kernels {

inline constexpr std::size_t kTileColumns = 16;

struct ActivationBlock {
  float scale;       // x[i] is about scale * q[i]; the largest |x| of the block over 127
  float scaled_sum;  // scale * (sum of q)
  std::int32_t sum;
  std::int16_t half_sums[2];  // of the first 16 q, of the last 16
  std::int8_t quants[kBlock];
};
static_assert(sizeof(ActivationBlock) == 48);

// Blocks whose largest |x| is smaller count as zero: 127 / |x| would overflow.
inline constexpr float kSmallestActivation = 0x1p-100F;

// Block b of column c of a tile is blocks[b * columns + c].
struct ActivationTile {
  const ActivationBlock* blocks;
  std::size_t columns;  // 1 … kTileColumns
};

// Blocks of one column.
inline constexpr std::size_t column_blocks(std::size_t k) { return k / kBlock; }

// Tile `index` of `total` columns of k inputs, whose tiles follow one another from `blocks` on.
inline ActivationTile tile_at(const ActivationBlock* blocks, std::size_t k, std::size_t total,
                              std::size_t index) {
  const std::size_t first = index * kTileColumns;
  return {blocks + first * column_blocks(k), std::min(kTileColumns, total - first)};
}

}  // namespace sovereign::kernels
