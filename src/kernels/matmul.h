// A matrix multiplication shared out among the threads of a team: y = W x for a batch of columns.
//
// Every thread calls multiply() with the same arguments and its own Team; together they first round the
// columns, then take turns at groups of panels. What one output element is does not depend on any of that
// (kernel_set.h).
#pragma once

#include <cstddef>

#include "kernels/kernel_set.h"

namespace sovereign::kernels {

// The threads that compute together, seen by one of them.
class Team {
 public:
  virtual ~Team() = default;
  virtual std::size_t index() const = 0;  // 0 … size() - 1
  virtual std::size_t size() const = 0;
  virtual void barrier() = 0;
  // A counter that the team shares: set by one thread before a barrier, taken from by all after it.
  virtual void set_next(std::size_t value) = 0;
  virtual std::size_t take_next() = 0;
};

struct Matrix {
  WeightType type;
  const std::byte* panels;  // panel_count(rows) * panel_bytes(type, k)
  std::size_t rows;
  std::size_t k;
};

// Rows of floats with any distance between them, in up to three dimensions (the last dimension is the
// slowest). Column c of a batch is the c-th of them in that order.
struct Columns {
  std::byte* data;
  std::size_t count[3];
  std::size_t stride_bytes[3];

  std::size_t total() const { return count[0] * count[1] * count[2]; }
  float* at(std::size_t c) const;
};

// Bytes of shared scratch that multiply() needs; the address must be a multiple of 4 (64 is faster).
std::size_t scratch_bytes(std::size_t k, std::size_t column_count, std::size_t threads);

// y has as many columns as x, of `rows` floats each.
void multiply(const KernelSet& kernels, const Matrix& matrix, const Columns& x, const Columns& y,
              std::byte* scratch, Team& team);

}  // namespace sovereign::kernels
