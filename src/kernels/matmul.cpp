#include "kernels/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sovereign::kernels {
namespace {

// Up to this many inputs in all columns together, each thread rounds them for itself: that takes less than
// a barrier does.
constexpr std::size_t kInputsPerThread = 4096;

// Tiles of columns that one pass over a group of panels takes along: their blocks stay in the second-level
// cache.
constexpr std::size_t kPassBytes = 256 * 1024;
constexpr std::size_t kPassTiles = 4;

// A group of panels that a thread takes at once: read again for each pass, so it should stay cached too.
constexpr std::size_t kGroupBytes = 128 * 1024;
constexpr std::size_t kGroupsPerThread = 4;

bool rounds_alone(std::size_t k, std::size_t column_count) { return k * column_count <= kInputsPerThread; }

std::size_t column_bytes(std::size_t k) { return column_blocks(k) * sizeof(ActivationBlock); }

std::size_t all_columns_bytes(std::size_t k, std::size_t column_count) {
  return (column_bytes(k) * column_count + 63) / 64 * 64;
}

class Job {
 public:
  Job(const KernelSet& kernels, const Matrix& matrix, const Columns& x, const Columns& y, std::byte* scratch)
      : kernels_(kernels),
        matrix_(matrix),
        x_(x),
        y_(y),
        columns_(x.total()),
        tiles_((columns_ + kTileColumns - 1) / kTileColumns),
        rounded_(reinterpret_cast<ActivationBlock*>(scratch)) {}

  // Part `index` of `parts` of the columns' rounding: neighbouring blocks of all columns of a tile.
  void round(std::size_t index, std::size_t parts) const {
    const std::size_t blocks = column_blocks(matrix_.k);
    std::size_t at = tiles_ * blocks * index / parts;
    const std::size_t end = tiles_ * blocks * (index + 1) / parts;
    while (at < end) {
      const std::size_t tile = at / blocks;
      const std::size_t first = at % blocks;
      const std::size_t count = std::min(blocks - first, end - at);
      round_blocks(tile, first, count);
      at += count;
    }
  }

  // Panels [first, end) times all columns.
  void run(std::size_t first, std::size_t end) const {
    const std::size_t fitting = kPassBytes / (kTileColumns * column_bytes(matrix_.k));
    const std::size_t width = std::clamp<std::size_t>(fitting, 1, kPassTiles);
    for (std::size_t tile = 0; tile < tiles_; tile += width) {
      pass(first, end, tile, std::min(tile + width, tiles_));
    }
  }

 private:
  void round_blocks(std::size_t tile, std::size_t first, std::size_t count) const {
    const std::size_t width = tile_at(rounded_, matrix_.k, columns_, tile).columns;
    ActivationBlock* out = rounded_ + tile * kTileColumns * column_blocks(matrix_.k) + first * width;
    for (std::size_t c = 0; c < width; ++c) {
      const float* x = x_.at(tile * kTileColumns + c) + first * kBlock;
      kernels_.quantize(x, count * kBlock, out + c, width);
    }
  }

  void pass(std::size_t first, std::size_t end, std::size_t first_tile, std::size_t end_tile) const {
    float* outputs[kPassTiles * kTileColumns];
    const std::size_t first_column = first_tile * kTileColumns;
    const std::size_t width = std::min(end_tile * kTileColumns, columns_) - first_column;
    for (std::size_t c = 0; c < width; ++c) outputs[c] = y_.at(first_column + c) + first * kPanelRows;
    const std::size_t bytes = panel_bytes(matrix_.type, matrix_.k);
    for (std::size_t panel = first; panel < end; ++panel) {
      const std::byte* weights = matrix_.panels + panel * bytes;
      const std::size_t left = matrix_.rows - panel * kPanelRows;
      if (left < kPanelRows) {
        last_rows(weights, first_tile, end_tile, outputs, left);
        return;
      }
      multiply(weights, first_tile, end_tile, outputs);
      for (std::size_t c = 0; c < width; ++c) outputs[c] += kPanelRows;
    }
  }

  void multiply(const std::byte* panel, std::size_t first_tile, std::size_t end_tile,
                float* const* outputs) const {
    const auto kernel = kernels_.multiply_for(matrix_.type);
    for (std::size_t tile = first_tile; tile < end_tile; ++tile, outputs += kTileColumns) {
      kernel(panel, matrix_.k, tile_at(rounded_, matrix_.k, columns_, tile), outputs);
    }
  }

  // A panel with rows that the matrix does not have.
  void last_rows(const std::byte* panel, std::size_t first_tile, std::size_t end_tile, float* const* outputs,
                 std::size_t rows) const {
    const std::size_t first_column = first_tile * kTileColumns;
    const std::size_t width = std::min(end_tile * kTileColumns, columns_) - first_column;
    float all[kPassTiles * kTileColumns][kPanelRows];
    float* targets[kPassTiles * kTileColumns];
    for (std::size_t c = 0; c < width; ++c) targets[c] = all[c];
    multiply(panel, first_tile, end_tile, targets);
    for (std::size_t c = 0; c < width; ++c) std::memcpy(outputs[c], all[c], rows * sizeof(float));
  }

  const KernelSet& kernels_;
  const Matrix& matrix_;
  const Columns& x_;
  const Columns& y_;
  std::size_t columns_;
  std::size_t tiles_;
  ActivationBlock* rounded_;
};

}  // namespace

float* Columns::at(std::size_t c) const {
  if (c < count[0]) return reinterpret_cast<float*>(data + c * stride_bytes[0]);
  const std::size_t slow = c / count[0];
  const std::size_t offset =
      c % count[0] * stride_bytes[0] + slow % count[1] * stride_bytes[1] + slow / count[1] * stride_bytes[2];
  return reinterpret_cast<float*>(data + offset);
}

std::size_t scratch_bytes(std::size_t k, std::size_t column_count, std::size_t threads) {
  return all_columns_bytes(k, column_count) * (rounds_alone(k, column_count) ? threads : 1);
}

void multiply(const KernelSet& kernels, const Matrix& matrix, const Columns& x, const Columns& y,
              std::byte* scratch, Team& team) {
  const std::size_t total = x.total();
  assert(total == y.total());
  const std::size_t panels = panel_count(matrix.rows);
  if (rounds_alone(matrix.k, total)) {
    const Job job(kernels, matrix, x, y, scratch + team.index() * all_columns_bytes(matrix.k, total));
    const std::size_t first = panels * team.index() / team.size();
    const std::size_t end = panels * (team.index() + 1) / team.size();
    if (first == end) return;
    job.round(0, 1);
    job.run(first, end);
    return;
  }
  const Job job(kernels, matrix, x, y, scratch);
  if (team.index() == 0) team.set_next(0);
  job.round(team.index(), team.size());
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
