// The quantized weights that this folder multiplies: which types, and how many bytes they take.
//
// A matrix has `rows` outputs and `k` inputs; a file holds it row by row in blocks of 32 or 256 inputs
// (GGUF's formats, quant_blocks.h), we hold it in panels of 16 rows (panels.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sovereign::kernels {

enum class WeightType : std::uint8_t { q4_0, q4_1, q8_0, q4_k, q5_k, q6_k };

inline constexpr WeightType kWeightTypes[] = {WeightType::q4_0, WeightType::q4_1, WeightType::q8_0,
                                              WeightType::q4_k, WeightType::q5_k, WeightType::q6_k};

inline constexpr std::size_t kPanelRows = 16;  // rows that are interleaved
inline constexpr std::size_t kBlock = 32;      // inputs that share a scale, of weights and of activations
inline constexpr std::size_t kSuperBlock = 256;

// Inputs per block of the file format: k must be a multiple of it.
std::size_t inputs_per_block(WeightType type);

// Bytes of one row in the file format.
std::size_t row_bytes(WeightType type, std::size_t k);

// Bytes of one panel.
std::size_t panel_bytes(WeightType type, std::size_t k);

inline std::size_t panel_count(std::size_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

}  // namespace sovereign::kernels
