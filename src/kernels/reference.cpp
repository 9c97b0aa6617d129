// The definition of the result, one weight at a time; see kernel_set.h.
#include <cmath>

#include "kernels/half.h"
#include "kernels/kernel_set.h"
#include "kernels/panels.h"

namespace sovereign::kernels {

extern const KernelSet kReferenceKernels;

namespace {

std::int8_t round_to_byte(float value) {
  if (std::isnan(value) || value < -128.0F) return -128;
  return value > 127.0F ? std::int8_t{127} : static_cast<std::int8_t>(std::nearbyint(value));
}

void quantize(const float* x, std::size_t k, ActivationBlock* out, std::size_t stride) {
  for (std::size_t b = 0; b < column_blocks(k); ++b) {
    float largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const float magnitude = std::fabs(x[b * kBlock + i]);
      if (magnitude > largest) largest = magnitude;
    }
    const bool zero = largest < kSmallestActivation;
    const float inverse = zero ? 0.0F : 127.0F / largest;
    ActivationBlock block{};
    for (std::size_t i = 0; i < kBlock; ++i) {
      const std::int8_t q = round_to_byte(x[b * kBlock + i] * inverse);
      block.quants[i] = q;
      block.half_sums[i / 16] = static_cast<std::int16_t>(block.half_sums[i / 16] + q);
    }
    block.sum = block.half_sums[0] + block.half_sums[1];
    block.scale = zero ? 0.0F : largest / 127.0F;
    block.scaled_sum = block.scale * static_cast<float>(block.sum);
    out[b * stride] = block;
  }
}

unsigned nibble(const std::uint8_t* nibbles, std::size_t row, std::size_t i) {
  const std::uint8_t pair = nibbles[i % 16 / 4 * kStepBytes + 4 * row + i % 4];
  return i < 16 ? pair & 0xFU : pair >> 4U;
}

// What a block of one row contributes: an exact integer, its scale, its minimum.
struct Term {
  std::int32_t sum;
  float scale;
  float minimum;
};

template <class Weight>
std::int32_t dot(const std::int8_t* x, std::size_t begin, std::size_t end, const Weight& weight) {
  std::int32_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += static_cast<std::int32_t>(weight(i)) * x[i];
  return sum;
}

Term term(const PanelQ4_0& panel, std::size_t row, const std::int8_t* x) {
  const auto weight = [&](std::size_t i) { return static_cast<int>(nibble(panel.nibbles, row, i)) - 8; };
  return {dot(x, 0, kBlock, weight), half_to_float(panel.d[row]), 0};
}

Term term(const PanelQ4_1& panel, std::size_t row, const std::int8_t* x) {
  const auto weight = [&](std::size_t i) { return nibble(panel.nibbles, row, i); };
  return {dot(x, 0, kBlock, weight), half_to_float(panel.d[row]), half_to_float(panel.m[row])};
}

Term term(const PanelQ8_0& panel, std::size_t row, const std::int8_t* x) {
  const auto weight = [&](std::size_t i) { return panel.bytes[i / 4 * kStepBytes + 4 * row + i % 4] - 128; };
  return {dot(x, 0, kBlock, weight), half_to_float(panel.d[row]), 0};
}

Term term(const PanelQ4_K& panel, std::size_t n, std::size_t row, const std::int8_t* x) {
  const PanelQ4_K::Block& block = panel.blocks[n];
  const auto weight = [&](std::size_t i) { return nibble(block.nibbles, row, i); };
  return {block.scale[row] * dot(x, 0, kBlock, weight), half_to_float(panel.d[row]),
          -(half_to_float(panel.dmin[row]) * static_cast<float>(block.min[row]))};
}

Term term(const PanelQ5_K& panel, std::size_t n, std::size_t row, const std::int8_t* x) {
  const PanelQ5_K::Block& block = panel.blocks[n];
  const auto weight = [&](std::size_t i) {
    return nibble(block.nibbles, row, i) | (block.high[4 * row + i % 4] >> i / 4 & 1U) << 4U;
  };
  return {block.scale[row] * dot(x, 0, kBlock, weight), half_to_float(panel.d[row]),
          -(half_to_float(panel.dmin[row]) * static_cast<float>(block.min[row]))};
}

Term term(const PanelQ6_K& panel, std::size_t n, std::size_t row, const std::int8_t* x) {
  const PanelQ6_K::Block& block = panel.blocks[n];
  const auto weight = [&](std::size_t i) {
    const unsigned top = block.high[i / 16][4 * row + i % 4] >> i % 16 / 4 * 2 & 3U;
    return static_cast<int>(nibble(block.nibbles, row, i) | top << 4U) - 32;
  };
  const std::int32_t sum =
      block.scale[row][0] * dot(x, 0, 16, weight) + block.scale[row][1] * dot(x, 16, kBlock, weight);
  return {sum, half_to_float(panel.d[row]), 0};
}

float add(const Term& term, bool has_minimum, const ActivationBlock& x, float sum) {
  sum = std::fma(term.scale, static_cast<float>(term.sum) * x.scale, sum);
  return has_minimum ? std::fma(term.minimum, x.scaled_sum, sum) : sum;
}

template <class Panel, bool has_minimum, bool super>
void multiply(const std::byte* panel, std::size_t k, const ActivationTile& tile, float* const* outputs) {
  const auto* panels = reinterpret_cast<const Panel*>(panel);
  for (std::size_t c = 0; c < tile.columns; ++c) {
    for (std::size_t row = 0; row < kPanelRows; ++row) {
      float sum = 0;
      for (std::size_t b = 0; b < column_blocks(k); ++b) {
        const ActivationBlock& x = tile.blocks[b * tile.columns + c];
        if constexpr (super) {
          sum = add(term(panels[b / 8], b % 8, row, x.quants), has_minimum, x, sum);
        } else {
          sum = add(term(panels[b], row, x.quants), has_minimum, x, sum);
        }
      }
      outputs[c][row] = sum;
    }
  }
}

}  // namespace

const KernelSet kReferenceKernels = {
    "reference",
    quantize,
    {multiply<PanelQ4_0, false, false>, multiply<PanelQ4_1, true, false>, multiply<PanelQ8_0, false, false>,
     multiply<PanelQ4_K, true, true>, multiply<PanelQ5_K, true, true>, multiply<PanelQ6_K, false, true>}};

}  // namespace sovereign::kernels
