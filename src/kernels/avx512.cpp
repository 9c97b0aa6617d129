// AVX-512 VNNI kernels of the 32-input types; avx512_super.cpp has the 256-input types, avx512_quantize.cpp
// the rounding of activations.
#include "kernels/avx512_parts.h"
#include "kernels/avx512_tile.h"
#include "kernels/kernel_set.h"

namespace sovereign::kernels {

extern const KernelSet kAvx512Kernels;

namespace {

struct WeightsQ4_0 {
  using Panel = PanelQ4_0;
  static constexpr std::size_t kBytes = sizeof(Panel);
  __m512i steps[8];
  __m512 scale;

  SOVEREIGN_INLINE WeightsQ4_0(const Panel* panels, std::size_t b) : scale(load_halves(panels[b].d)) {
    unpack(panels[b].nibbles, steps);
  }
  SOVEREIGN_INLINE __m512 add(__m512 sum, const ActivationBlock& x) const {
    __m512i integers = _mm512_setzero_si512();
    add_half_sums(integers, _mm512_set1_epi16(-8), x);
    add_steps(integers, steps, x);
    return add_scaled(sum, _mm512_cvtepi32_ps(integers), scale, x);
  }
};

struct WeightsQ4_1 {
  using Panel = PanelQ4_1;
  static constexpr std::size_t kBytes = sizeof(Panel);
  __m512i steps[8];
  __m512 scale;
  __m512 minimum;

  SOVEREIGN_INLINE WeightsQ4_1(const Panel* panels, std::size_t b)
      : scale(load_halves(panels[b].d)), minimum(load_halves(panels[b].m)) {
    unpack(panels[b].nibbles, steps);
  }
  SOVEREIGN_INLINE __m512 add(__m512 sum, const ActivationBlock& x) const {
    __m512i integers = _mm512_setzero_si512();
    add_steps(integers, steps, x);
    return add_minimum(add_scaled(sum, _mm512_cvtepi32_ps(integers), scale, x), minimum, x);
  }
};

struct WeightsQ8_0 {
  using Panel = PanelQ8_0;
  static constexpr std::size_t kBytes = sizeof(Panel);
  __m512i steps[8];
  __m512 scale;

  SOVEREIGN_INLINE WeightsQ8_0(const Panel* panels, std::size_t b) : scale(load_halves(panels[b].d)) {
#pragma GCC unroll 8
    for (int step = 0; step < 8; ++step) {
      steps[step] = load(panels[b].bytes + step * static_cast<int>(kStepBytes));
    }
  }
  SOVEREIGN_INLINE __m512 add(__m512 sum, const ActivationBlock& x) const {
    __m512i integers = _mm512_setzero_si512();
    add_half_sums(integers, _mm512_set1_epi16(-128), x);
    add_steps(integers, steps, x);
    return add_scaled(sum, _mm512_cvtepi32_ps(integers), scale, x);
  }
};

}  // namespace

const KernelSet kAvx512Kernels = {"avx512-vnni",
                                  quantize_avx512,
                                  {multiply<WeightsQ4_0>, multiply<WeightsQ4_1>, multiply<WeightsQ8_0>,
                                   multiply_q4_k_avx512, multiply_q5_k_avx512, multiply_q6_k_avx512}};

}  // namespace sovereign::kernels
