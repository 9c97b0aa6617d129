// GGUF's block formats as they lie in a file, little-endian. Scales are IEEE half floats, kept as bits.
//
// Source: ggml's ggml-common.h and the dequantize_row functions of ggml-quants.c.
#pragma once

#include <cstdint>

namespace sovereign::kernels {

using Half = std::uint16_t;

// weight[i] = d * (q[i] - 8); q[i] in the low nibble of quants[i] for i < 16, else in the high one of i - 16.
struct BlockQ4_0 {
  Half d;
  std::uint8_t quants[16];
};

// weight[i] = d * q[i] + m; q as in BlockQ4_0.
struct BlockQ4_1 {
  Half d;
  Half m;
  std::uint8_t quants[16];
};

// weight[i] = d * q[i].
struct BlockQ8_0 {
  Half d;
  std::int8_t quants[32];
};

// 8 sub-blocks of 32: weight = d * scale * q - dmin * min, with 6-bit scales and mins packed into 12 bytes.
// quants: 32 bytes hold sub-block 2n in their low nibbles and 2n + 1 in their high ones.
struct BlockQ4_K {
  Half d;
  Half dmin;
  std::uint8_t scales[12];
  std::uint8_t quants[128];
};

// As BlockQ4_K with a fifth bit: bit n of high[i] belongs to input i of sub-block n.
struct BlockQ5_K {
  Half d;
  Half dmin;
  std::uint8_t scales[12];
  std::uint8_t high[32];
  std::uint8_t quants[128];
};

// 16 sub-blocks of 16: weight = d * scale * (q - 32), q of 6 bits: 4 in `low`, 2 in `high`.
struct BlockQ6_K {
  std::uint8_t low[128];
  std::uint8_t high[64];
  std::int8_t scales[16];
  Half d;
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ8_0) == 34);
static_assert(sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);

}  // namespace sovereign::kernels
