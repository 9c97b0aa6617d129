#include "kernels/panels.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sovereign::kernels {
namespace {

// One row's block of 32, unpacked: what a panel keeps of it.
using Quants = std::uint8_t[kBlock];

void put_nibbles(const Quants& quants, std::size_t row, std::uint8_t* nibbles) {
  for (std::size_t i = 0; i < kBlock / 2; ++i) {
    const std::size_t at = i / 4 * kStepBytes + 4 * row + i % 4;
    nibbles[at] = static_cast<std::uint8_t>((quants[i] & 0xFU) | (quants[i + kBlock / 2] & 0xFU) << 4U);
  }
}

void split_nibbles(const std::uint8_t* pairs, Quants& quants) {
  for (std::size_t i = 0; i < kBlock / 2; ++i) {
    quants[i] = pairs[i] & 0xFU;
    quants[i + kBlock / 2] = pairs[i] >> 4U;
  }
}

void put(const BlockQ4_0& block, std::size_t row, PanelQ4_0& panel) {
  Quants quants;
  split_nibbles(block.quants, quants);
  put_nibbles(quants, row, panel.nibbles);
  panel.d[row] = block.d;
}

void put(const BlockQ4_1& block, std::size_t row, PanelQ4_1& panel) {
  Quants quants;
  split_nibbles(block.quants, quants);
  put_nibbles(quants, row, panel.nibbles);
  panel.d[row] = block.d;
  panel.m[row] = block.m;
}

void put(const BlockQ8_0& block, std::size_t row, PanelQ8_0& panel) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    panel.bytes[i / 4 * kStepBytes + 4 * row + i % 4] = static_cast<std::uint8_t>(block.quants[i] + 128);
  }
  panel.d[row] = block.d;
}

struct ScaleMin {
  std::uint8_t scale;
  std::uint8_t min;
};

ScaleMin scale_min(const std::uint8_t* scales, std::size_t sub_block) {
  const auto byte = [](unsigned value) { return static_cast<std::uint8_t>(value); };
  if (sub_block < 4) return {byte(scales[sub_block] & 63U), byte(scales[sub_block + 4] & 63U)};
  return {byte((scales[sub_block + 4] & 0xFU) | scales[sub_block - 4] >> 6U << 4U),
          byte(scales[sub_block + 4] >> 4U | scales[sub_block] >> 6U << 4U)};
}

// Sub-block `n` of a Q4_K's or Q5_K's quants, the low 4 bits.
std::uint8_t low_bits(const std::uint8_t* quants, std::size_t n, std::size_t i) {
  const std::uint8_t pair = quants[n / 2 * kBlock + i];
  return n % 2 == 0 ? pair & 0xFU : pair >> 4U;
}

void put(const BlockQ4_K& block, std::size_t row, PanelQ4_K& panel) {
  panel.d[row] = block.d;
  panel.dmin[row] = block.dmin;
  for (std::size_t n = 0; n < 8; ++n) {
    Quants quants;
    for (std::size_t i = 0; i < kBlock; ++i) quants[i] = low_bits(block.quants, n, i);
    put_nibbles(quants, row, panel.blocks[n].nibbles);
    const ScaleMin packed = scale_min(block.scales, n);
    panel.blocks[n].scale[row] = packed.scale;
    panel.blocks[n].min[row] = packed.min;
  }
}

void put(const BlockQ5_K& block, std::size_t row, PanelQ5_K& panel) {
  panel.d[row] = block.d;
  panel.dmin[row] = block.dmin;
  for (std::size_t n = 0; n < 8; ++n) {
    Quants quants;
    for (std::size_t i = 0; i < kBlock; ++i) {
      quants[i] = low_bits(block.quants, n, i);
      const unsigned fifth = block.high[i] >> n & 1U;
      panel.blocks[n].high[4 * row + i % 4] |= static_cast<std::uint8_t>(fifth << i / 4);
    }
    put_nibbles(quants, row, panel.blocks[n].nibbles);
    const ScaleMin packed = scale_min(block.scales, n);
    panel.blocks[n].scale[row] = packed.scale;
    panel.blocks[n].min[row] = packed.min;
  }
}

void put(const BlockQ6_K& block, std::size_t row, PanelQ6_K& panel) {
  panel.d[row] = block.d;
  for (std::size_t n = 0; n < 8; ++n) {
    // Four blocks of 32 share 64 bytes of `low` and 32 of `high`.
    const std::size_t half = n / 4;
    const std::size_t quarter = n % 4;
    Quants quants;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const std::uint8_t pair = block.low[64 * half + quarter % 2 * 32 + i];
      quants[i] = quarter < 2 ? pair & 0xFU : pair >> 4U;
      const unsigned top = block.high[32 * half + i] >> 2 * quarter & 3U;
      std::uint8_t& target = panel.blocks[n].high[i / 16][4 * row + i % 4];
      target |= static_cast<std::uint8_t>(top << i % 16 / 4 * 2);
    }
    put_nibbles(quants, row, panel.blocks[n].nibbles);
    panel.blocks[n].scale[row][0] = block.scales[2 * n];
    panel.blocks[n].scale[row][1] = block.scales[2 * n + 1];
  }
}

template <class Block, class Panel>
void pack(std::span<const std::byte> matrix, std::size_t rows, std::size_t blocks, std::size_t first_row,
          std::size_t row_count, std::byte* out) {
  static_assert(alignof(Panel) <= 2 && alignof(Block) <= 2);
  const std::size_t end = std::min(rows, first_row + row_count);
  std::memset(out, 0, panel_count(end - first_row) * blocks * sizeof(Panel));
  for (std::size_t row = first_row; row < end; ++row) {
    auto* panel = reinterpret_cast<Panel*>(out) + (row - first_row) / kPanelRows * blocks;
    const std::byte* source = matrix.data() + row * blocks * sizeof(Block);
    for (std::size_t b = 0; b < blocks; ++b) {
      Block block;
      std::memcpy(&block, source + b * sizeof(Block), sizeof block);
      put(block, row % kPanelRows, panel[b]);
    }
  }
}

struct Format {
  std::size_t inputs;
  std::size_t block_bytes;
  std::size_t panel_bytes;
  decltype(&pack<BlockQ4_0, PanelQ4_0>) pack;
};

template <class Block, class Panel>
constexpr Format format(std::size_t inputs) {
  return {inputs, sizeof(Block), sizeof(Panel), &pack<Block, Panel>};
}

const Format& format_of(WeightType type) {
  static constexpr Format formats[] = {
      format<BlockQ4_0, PanelQ4_0>(kBlock),      format<BlockQ4_1, PanelQ4_1>(kBlock),
      format<BlockQ8_0, PanelQ8_0>(kBlock),      format<BlockQ4_K, PanelQ4_K>(kSuperBlock),
      format<BlockQ5_K, PanelQ5_K>(kSuperBlock), format<BlockQ6_K, PanelQ6_K>(kSuperBlock)};
  return formats[static_cast<std::size_t>(type)];
}

}  // namespace

std::size_t inputs_per_block(WeightType type) { return format_of(type).inputs; }

std::size_t row_bytes(WeightType type, std::size_t k) {
  const Format& format = format_of(type);
  assert(k % format.inputs == 0);
  return k / format.inputs * format.block_bytes;
}

std::size_t panel_bytes(WeightType type, std::size_t k) {
  const Format& format = format_of(type);
  assert(k % format.inputs == 0);
  return k / format.inputs * format.panel_bytes;
}

void pack_rows(WeightType type, std::span<const std::byte> matrix, std::size_t rows, std::size_t k,
               std::size_t first_row, std::size_t row_count, std::byte* panels) {
  assert(first_row % kPanelRows == 0 && first_row < rows);
  assert(matrix.size() == rows * row_bytes(type, k));
  const Format& format = format_of(type);
  format.pack(matrix, rows, k / format.inputs, first_row, row_count, panels);
}

}  // namespace sovereign::kernels
