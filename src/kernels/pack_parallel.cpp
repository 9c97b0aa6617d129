#include "kernels/pack_parallel.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "base/system_info.h"
#include "kernels/panels.h"

namespace sovereign::kernels {
namespace {

constexpr std::size_t kBytesPerThread = 1 << 20;  // less is not worth a thread
constexpr std::size_t kMaxThreads = 32;

}  // namespace

void pack_parallel(WeightType type, std::span<const std::byte> matrix, std::size_t rows, std::size_t k,
                   std::byte* panels) {
  const std::size_t count = panel_count(rows);
  const std::size_t cores = std::clamp<std::size_t>(cpu_info().physical, 1, kMaxThreads);
  const std::size_t threads = std::clamp<std::size_t>(matrix.size() / kBytesPerThread, 1, cores);
  const auto pack = [&](std::size_t part) {
    const std::size_t first = count * part / threads;
    const std::size_t end = count * (part + 1) / threads;
    if (first == end) return;
    pack_rows(type, matrix, rows, k, first * kPanelRows, (end - first) * kPanelRows,
              panels + first * panel_bytes(type, k));
  };
  std::vector<std::thread> others;
  std::size_t started = 1;
  try {
    for (; started < threads; ++started) others.emplace_back(pack, started);
  } catch (const std::system_error&) {
    // No more threads: this one does the rest.
  }
  pack(0);
  for (std::size_t part = started; part < threads; ++part) pack(part);
  for (std::thread& other : others) other.join();
}

}  // namespace sovereign::kernels
