// Packing a whole matrix on all cores, at load.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/weight_type.h"

namespace sovereign::kernels {

// As pack_rows() of all rows. Starts threads of its own for large matrices; returns when they are done.
void pack_parallel(WeightType type, std::span<const std::byte> matrix, std::size_t rows, std::size_t k,
                   std::byte* panels);

}  // namespace sovereign::kernels
