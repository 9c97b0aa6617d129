// Weights repacked for multiplication: panels of 16 rows, interleaved so that one vector load holds four
// consecutive inputs of each row, the unit of the CPU's int8 dot products.
//
// A 'step' is 4 inputs: byte 4 * row + i of a step is input 4 * step + i of that row. A block of 32 inputs
// has 8 steps. Where a weight has 4 bits, step s shares its 64 bytes with step s + 4: s in the low nibbles,
// s + 4 in the high ones. Rows that a matrix lacks are zeros, with zero scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/quant_blocks.h"
#include "kernels/weight_type.h"

namespace sovereign::kernels {

inline constexpr std::size_t kStepBytes = 4 * kPanelRows;
inline constexpr std::size_t kNibbleBytes = 4 * kStepBytes;  // of a block

struct PanelQ4_0 {
  std::uint8_t nibbles[kNibbleBytes];
  Half d[kPanelRows];
};

struct PanelQ4_1 {
  std::uint8_t nibbles[kNibbleBytes];
  Half d[kPanelRows];
  Half m[kPanelRows];
};

struct PanelQ8_0 {
  std::uint8_t bytes[8 * kStepBytes];  // q + 128
  Half d[kPanelRows];
};

struct PanelQ4_K {
  Half d[kPanelRows];
  Half dmin[kPanelRows];
  struct Block {
    std::uint8_t nibbles[kNibbleBytes];
    std::uint8_t scale[kPanelRows];
    std::uint8_t min[kPanelRows];
  } blocks[8];
};

struct PanelQ5_K {
  Half d[kPanelRows];
  Half dmin[kPanelRows];
  struct Block {
    std::uint8_t nibbles[kNibbleBytes];
    std::uint8_t high[kStepBytes];  // bit s of byte 4 * row + i: the fifth bit of step s
    std::uint8_t scale[kPanelRows];
    std::uint8_t min[kPanelRows];
  } blocks[8];
};

struct PanelQ6_K {
  Half d[kPanelRows];
  struct Block {
    std::uint8_t nibbles[kNibbleBytes];
    std::uint8_t high[2][kStepBytes];  // bits 2s and 2s + 1: steps s of the first half, of the second half
    std::int8_t scale[kPanelRows][2];  // of inputs 0..15, of inputs 16..31
  } blocks[8];
};

// Repacks rows [first_row, first_row + row_count) of a matrix in file format into the panels that hold them.
// `first_row` begins a panel; `panels` is where that panel goes. Pure; parts of a matrix may run in parallel.
void pack_rows(WeightType type, std::span<const std::byte> matrix, std::size_t rows, std::size_t k,
               std::size_t first_row, std::size_t row_count, std::byte* panels);

}  // namespace sovereign::kernels
