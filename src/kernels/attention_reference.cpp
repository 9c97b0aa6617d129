// What attention_kernels.h defines, one number after the other.
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/half.h"

namespace sovereign::kernels {
namespace {

constexpr Half kMasked = 0xFC00;  // -infinity

std::size_t visible(const Half* mask, std::size_t cells, std::int32_t* indices) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < cells; ++i) {
    if (mask[i] != kMasked) indices[count++] = static_cast<std::int32_t>(i);
  }
  return count;
}

void widen_keys(const Half* const* from, std::size_t size, float* to) {
  for (std::size_t j = 0; j < kKeyTile; ++j) {
    for (std::size_t i = 0; i < size; ++i) to[j * size + i] = half_to_float(from[j][i]);
  }
}

void widen_value(const Half* from, std::size_t size, double* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] = half_to_float(from[i]);
}

float dot(const float* a, const float* b, std::size_t size) {
  float lanes[8] = {};
  for (std::size_t i = 0; i < size; ++i) lanes[i % 8] = std::fma(a[i], b[i], lanes[i % 8]);
  for (std::size_t width = 4; width > 0; width /= 2) {
    for (std::size_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  return lanes[0];
}

void dots(const float* queries, std::size_t rows, const float* keys, std::size_t size, float* out,
          std::size_t stride) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t j = 0; j < kKeyTile; ++j) {
      out[row * stride + j] = dot(queries + row * size, keys + j * size, size);
    }
  }
}

float finish_scores(float* scores, std::size_t count, float scale, const float* mask, float slope) {
  float largest = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < count; ++i) {
    scores[i] = scores[i] * scale + slope * mask[i];
    largest = scores[i] > largest ? scores[i] : largest;
  }
  return largest;
}

float exponential(float x) {
  using namespace expf_constants;
  if (x < kLowest) return 0.0F;
  const float n = std::nearbyint(x * kLog2E);
  const float r = std::fma(n, -kLn2Low, std::fma(n, -kLn2High, x));
  float p = kPolynomial[0];
  for (std::size_t i = 1; i < std::size(kPolynomial); ++i) p = std::fma(p, r, kPolynomial[i]);
  const float result = std::fma(p, r * r, r) + 1.0F;
  if (std::isnan(result)) return result;
  const auto power = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23U;
  return result * std::bit_cast<float>(power);
}

double exponentials(float* scores, std::size_t count, float largest) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    scores[i] = exponential(scores[i] - largest);
    sum += std::nearbyint(scores[i] * 0x1p20F);
  }
  return sum * 0x1p-20;
}

double weights(float* exponentials, std::size_t count, float unit) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    exponentials[i] = std::nearbyint(exponentials[i] * unit);
    sum += exponentials[i];
  }
  return sum;
}

void accumulate(const float* weights, std::size_t stride, std::size_t rows, const double* values,
                std::size_t count, std::size_t size, double* sums) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t d = 0; d < size; ++d) {
      double sum = sums[row * size + d];
      for (std::size_t i = 0; i < count; ++i) {
        sum = std::fma(static_cast<double>(weights[row * stride + i]), values[i * size + d], sum);
      }
      sums[row * size + d] = sum;
    }
  }
}

}  // namespace

const AttentionKernels& reference_attention() {
  static constexpr AttentionKernels kernels = {"reference",   visible,      widen_keys, widen_value, dots,
                                               finish_scores, exponentials, weights,    accumulate};
  return kernels;
}

}  // namespace sovereign::kernels
