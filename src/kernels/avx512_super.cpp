// Integers of a block stay below 2^24 even when multiplied by their integer scales, so floats hold those
// products exactly: a float multiplication in place of vpmulld, which takes ten cycles.
#include "kernels/avx512_parts.h"
#include "kernels/avx512_tile.h"

namespace sovereign::kernels {
namespace {

// A nibble with the bits of `high` that `mask` names.
SOVEREIGN_INLINE __m512i with_bits(__m512i nibbles, __m512i high, std::uint8_t mask) {
  constexpr int kOrAnd = 0xF8;  // a | (b & c)
  return _mm512_ternarylogic_epi32(nibbles, high, _mm512_set1_epi8(static_cast<char>(mask)), kOrAnd);
}

// Types with a minimum: 63 * 32 * 31 * 128 is less than 2^23.
struct WeightsWithMinimum {
  __m512i steps[8];
  __m512 scale;
  __m512 block_scale;
  __m512 minimum;  // exact

  template <class Panel>
  SOVEREIGN_INLINE WeightsWithMinimum(const Panel& panel, const typename Panel::Block& block)
      : scale(load_halves(panel.d)),
        block_scale(load_bytes(block.scale)),
        minimum(_mm512_xor_ps(_mm512_mul_ps(load_halves(panel.dmin), load_bytes(block.min)),
                              _mm512_set1_ps(-0.0F))) {
    unpack(block.nibbles, steps);
  }
  SOVEREIGN_INLINE __m512 add(__m512 sum, const ActivationBlock& x) const {
    __m512i integers = _mm512_setzero_si512();
    add_steps(integers, steps, x);
    const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(integers), block_scale);
    return add_minimum(add_scaled(sum, scaled, scale, x), minimum, x);
  }
};

struct WeightsQ4_K : WeightsWithMinimum {
  using Panel = PanelQ4_K;
  static constexpr std::size_t kBytes = sizeof(Panel::Block);

  SOVEREIGN_INLINE WeightsQ4_K(const Panel* panels, std::size_t b)
      : WeightsWithMinimum(panels[b / 8], panels[b / 8].blocks[b % 8]) {}
};

struct WeightsQ5_K : WeightsWithMinimum {
  using Panel = PanelQ5_K;
  static constexpr std::size_t kBytes = sizeof(Panel::Block);

  SOVEREIGN_INLINE WeightsQ5_K(const Panel* panels, std::size_t b)
      : WeightsWithMinimum(panels[b / 8], panels[b / 8].blocks[b % 8]) {
    // Bit s of `high` is the fifth of step s.
    const __m512i high = load(panels[b / 8].blocks[b % 8].high);
    steps[0] = with_bits(steps[0], _mm512_slli_epi16(high, 4), 16);
    steps[1] = with_bits(steps[1], _mm512_slli_epi16(high, 3), 16);
    steps[2] = with_bits(steps[2], _mm512_slli_epi16(high, 2), 16);
    steps[3] = with_bits(steps[3], _mm512_slli_epi16(high, 1), 16);
    steps[4] = with_bits(steps[4], high, 16);
    steps[5] = with_bits(steps[5], _mm512_srli_epi16(high, 1), 16);
    steps[6] = with_bits(steps[6], _mm512_srli_epi16(high, 2), 16);
    steps[7] = with_bits(steps[7], _mm512_srli_epi16(high, 3), 16);
  }
};

// Two scales a block; each half's sum times its scale is at most 2^23, both together 2^24.
struct WeightsQ6_K {
  using Panel = PanelQ6_K;
  static constexpr std::size_t kBytes = sizeof(Panel::Block);
  __m512i steps[8];
  __m512 scale;
  __m512 half_scale[2];

  SOVEREIGN_INLINE WeightsQ6_K(const Panel* panels, std::size_t b) : scale(load_halves(panels[b / 8].d)) {
    const Panel::Block& block = panels[b / 8].blocks[b % 8];
    unpack(block.nibbles, steps);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      // Bits 2s and 2s + 1 are the upper two of step s.
      const __m512i high = load(block.high[half]);
      __m512i* four = steps + 4 * half;
      four[0] = with_bits(four[0], _mm512_slli_epi16(high, 4), 48);
      four[1] = with_bits(four[1], _mm512_slli_epi16(high, 2), 48);
      four[2] = with_bits(four[2], high, 48);
      four[3] = with_bits(four[3], _mm512_srli_epi16(high, 2), 48);
    }
    const __m512i scales =
        _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.scale)));
    half_scale[0] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(scales, 16), 16));
    half_scale[1] = _mm512_cvtepi32_ps(_mm512_srai_epi32(scales, 16));
  }
  SOVEREIGN_INLINE __m512 add(__m512 sum, const ActivationBlock& x) const {
    constexpr int kOffset = -32;
    __m512i first = _mm512_setzero_si512();
    __m512i second = _mm512_setzero_si512();
    add_half_sums(first, _mm512_set1_epi32(kOffset & 0xFFFF), x);
    add_half_sums(second, _mm512_set1_epi32(kOffset * 0x10000), x);
#pragma GCC unroll 4
    for (int step = 0; step < 4; ++step) {
      add_step(first, steps[step], x.quants + 4 * step);
      add_step(second, steps[step + 4], x.quants + 4 * (step + 4));
    }
    const __m512 scaled = _mm512_fmadd_ps(_mm512_cvtepi32_ps(second), half_scale[1],
                                          _mm512_mul_ps(_mm512_cvtepi32_ps(first), half_scale[0]));
    return add_scaled(sum, scaled, scale, x);
  }
};

}  // namespace

void multiply_q4_k_avx512(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                          float* const* outputs) {
  multiply<WeightsQ4_K>(panel, k, tile, outputs);
}

void multiply_q5_k_avx512(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                          float* const* outputs) {
  multiply<WeightsQ5_K>(panel, k, tile, outputs);
}

void multiply_q6_k_avx512(const std::byte* panel, std::size_t k, const ActivationTile& tile,
                          float* const* outputs) {
  multiply<WeightsQ6_K>(panel, k, tile, outputs);
}

}  // namespace sovereign::kernels
