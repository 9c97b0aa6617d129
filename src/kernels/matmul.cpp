#include "kernels/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sovereign::kernels {
namespace {

// Up to this many inputs in all columns together, each thread rounds them for itself: that takes less than
// a barrier does.
constexpr std::size_t kInputsPerThread = 4096;

// Columns that one pass over a group of panels takes along: their bytes stay in the second-level cache.
constexpr std::size_t kPassBytes = 160 * 1024;
constexpr std::size_t kPassColumns = 64;

// A group of panels that a thread takes at once: read again for each pass, so it should stay cached too.
constexpr std::size_t kGroupBytes = 128 * 1024;
constexpr std::size_t kGroupsPerThread = 4;

bool rounds_alone(std::size_t k, std::size_t column_count) { return k * column_count <= kInputsPerThread; }

class Job {
 public:
  Job(const KernelSet& kernels, const Matrix& matrix, const Columns& x, const Columns& y, std::byte* scratch)
      : kernels_(kernels), matrix_(matrix), x_(x), y_(y), scratch_(scratch) {}

  void round(std::size_t c) const {
    kernels_.quantize(x_.at(c), matrix_.k, scratch_ + c * column_bytes(matrix_.k));
  }

  // Panels [first, end) times all columns.
  void run(std::size_t first, std::size_t end) const {
    const std::size_t fitting = kPassBytes / column_bytes(matrix_.k) / 4 * 4;
    const std::size_t width = std::clamp<std::size_t>(fitting, 4, kPassColumns);
    const std::size_t total = x_.total();
    for (std::size_t c = 0; c < total; c += width) pass(first, end, c, std::min(width, total - c));
  }

 private:
  void pass(std::size_t first, std::size_t end, std::size_t first_column, std::size_t width) const {
    ActivationColumn columns[kPassColumns];
    float* outputs[kPassColumns];
    for (std::size_t c = 0; c < width; ++c) {
      columns[c] = column_at(scratch_ + (first_column + c) * column_bytes(matrix_.k), matrix_.k);
      outputs[c] = y_.at(first_column + c) + first * kPanelRows;
    }
    const auto multiply = kernels_.multiply_for(matrix_.type);
    const std::size_t bytes = panel_bytes(matrix_.type, matrix_.k);
    for (std::size_t panel = first; panel < end; ++panel) {
      const std::size_t left = matrix_.rows - panel * kPanelRows;
      if (left < kPanelRows) {
        last_rows(matrix_.panels + panel * bytes, columns, width, outputs, left);
        return;
      }
      multiply(matrix_.panels + panel * bytes, matrix_.k, columns, width, outputs);
      for (std::size_t c = 0; c < width; ++c) outputs[c] += kPanelRows;
    }
  }

  // A panel with rows that the matrix does not have.
  void last_rows(const std::byte* panel, const ActivationColumn* columns, std::size_t width,
                 float* const* outputs, std::size_t rows) const {
    float all[kPassColumns][kPanelRows];
    float* targets[kPassColumns];
    for (std::size_t c = 0; c < width; ++c) targets[c] = all[c];
    kernels_.multiply_for(matrix_.type)(panel, matrix_.k, columns, width, targets);
    for (std::size_t c = 0; c < width; ++c) std::memcpy(outputs[c], all[c], rows * sizeof(float));
  }

  const KernelSet& kernels_;
  const Matrix& matrix_;
  const Columns& x_;
  const Columns& y_;
  std::byte* scratch_;
};

}  // namespace

float* Columns::at(std::size_t c) const {
  const std::size_t slow = c / count[0];
  const std::size_t offset =
      c % count[0] * stride_bytes[0] + slow % count[1] * stride_bytes[1] + slow / count[1] * stride_bytes[2];
  return reinterpret_cast<float*>(data + offset);
}

std::size_t scratch_bytes(std::size_t k, std::size_t column_count, std::size_t threads) {
  return column_bytes(k) * column_count * (rounds_alone(k, column_count) ? threads : 1);
}

void multiply(const KernelSet& kernels, const Matrix& matrix, const Columns& x, const Columns& y,
              std::byte* scratch, Team& team) {
  const std::size_t total = x.total();
  assert(total == y.total());
  const std::size_t panels = panel_count(matrix.rows);
  if (rounds_alone(matrix.k, total)) {
    const Job job(kernels, matrix, x, y, scratch + team.index() * total * column_bytes(matrix.k));
    const std::size_t first = panels * team.index() / team.size();
    const std::size_t end = panels * (team.index() + 1) / team.size();
    if (first == end) return;
    for (std::size_t c = 0; c < total; ++c) job.round(c);
    job.run(first, end);
    return;
  }
  const Job job(kernels, matrix, x, y, scratch);
  if (team.index() == 0) team.set_next(0);
  for (std::size_t c = team.index(); c < total; c += team.size()) job.round(c);
  team.barrier();
  const std::size_t shares = team.size() == 1 ? 1 : team.size() * kGroupsPerThread;
  const std::size_t fair = (panels + shares - 1) / shares;
  const std::size_t cached = kGroupBytes / panel_bytes(matrix.type, matrix.k);
  const std::size_t group = std::max<std::size_t>(1, std::min(fair, cached));
  for (;;) {
    const std::size_t first = team.take_next() * group;
    if (first >= panels) return;
    job.run(first, std::min(panels, first + group));
  }
}

}  // namespace sovereign::kernels
