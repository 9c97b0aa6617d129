// Matrices for the tests: quantized by ggml, so that its formats are what we read.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/panels.h"

namespace sovereign::kernels {

inline ggml_type ggml_type_of(WeightType type) {
  switch (type) {
    case WeightType::q4_0: return GGML_TYPE_Q4_0;
    case WeightType::q4_1: return GGML_TYPE_Q4_1;
    case WeightType::q8_0: return GGML_TYPE_Q8_0;
    case WeightType::q4_k: return GGML_TYPE_Q4_K;
    case WeightType::q5_k: return GGML_TYPE_Q5_K;
    case WeightType::q6_k: return GGML_TYPE_Q6_K;
  }
  throw std::logic_error("no such type");
}

inline std::vector<float> random_floats(std::size_t count, float deviation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

struct TestMatrix {
  WeightType type;
  std::size_t rows;
  std::size_t k;
  std::vector<std::byte> file;    // as in a GGUF file
  std::vector<std::byte> panels;  // as we keep it

  void pack() {
    panels.resize(panel_count(rows) * panel_bytes(type, k));
    pack_rows(type, file, rows, k, 0, rows, panels.data());
  }

  // The weights that the file format stands for.
  std::vector<float> dequantized() const {
    std::vector<float> weights(rows * k);
    ggml_get_type_traits(ggml_type_of(type))
        ->to_float(file.data(), weights.data(), static_cast<std::int64_t>(weights.size()));
    return weights;
  }
};

inline TestMatrix random_matrix(WeightType type, std::size_t rows, std::size_t k, std::uint64_t seed) {
  TestMatrix matrix{type, rows, k, std::vector<std::byte>(rows * row_bytes(type, k)), {}};
  const std::vector<float> weights = random_floats(rows * k, 0.05F, seed);
  ggml_quantize_chunk(ggml_type_of(type), weights.data(), matrix.file.data(), 0,
                      static_cast<std::int64_t>(rows), static_cast<std::int64_t>(k), nullptr);
  matrix.pack();
  return matrix;
}

// Any bytes are quants and integer scales; only the half-precision scales must be numbers. Reaches extremes
// that no quantizer produces.
inline TestMatrix random_bytes_matrix(WeightType type, std::size_t rows, std::size_t k, std::uint64_t seed,
                                      bool extreme) {
  TestMatrix matrix = random_matrix(type, rows, k, seed);
  std::mt19937_64 random(seed);
  for (std::byte& byte : matrix.file) byte = extreme ? std::byte{0xFF} : static_cast<std::byte>(random());
  const auto put_half = [&](std::size_t at) {
    const auto half = static_cast<std::uint16_t>(0x2000U + random() % 0x1000U);
    matrix.file[at] = static_cast<std::byte>(half & 0xFFU);
    matrix.file[at + 1] = static_cast<std::byte>(half >> 8U);
  };
  const std::size_t block = row_bytes(type, inputs_per_block(type));
  const bool minimum = type == WeightType::q4_1 || type == WeightType::q4_k || type == WeightType::q5_k;
  for (std::size_t at = 0; at < matrix.file.size(); at += block) {
    const std::size_t scale = at + (type == WeightType::q6_k ? block - 2 : 0);
    put_half(scale);
    if (minimum) put_half(scale + 2);
  }
  matrix.pack();
  return matrix;
}

}  // namespace sovereign::kernels
