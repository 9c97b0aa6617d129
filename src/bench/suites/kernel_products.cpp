#include "bench/suites/kernel_products.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "kernels/kernel_set.h"

namespace sovereign::bench {
namespace {

using kernels::KernelSet;
using kernels::WeightType;

constexpr std::size_t kRows = 768;
constexpr std::size_t kInputs = 1536;
constexpr int kRuns = 30;
constexpr std::size_t kColumnCounts[] = {1, 4, 8, 16};
constexpr const char* kTypeNames[] = {"q4_0", "q4_1", "q8_0", "q4_k", "q5_k", "q6_k"};
static_assert(std::size(kTypeNames) == std::size(kernels::kWeightTypes));

double seconds_of(const KernelSet& set, WeightType type, const std::vector<std::byte>& panels,
                  std::size_t columns) {
  std::mt19937 random(2);
  std::vector<float> x(kInputs);
  for (float& value : x) value = static_cast<float>(random() % 2001) / 1000 - 1;
  std::vector<kernels::ActivationBlock> blocks(kernels::column_blocks(kInputs) * columns);
  for (std::size_t c = 0; c < columns; ++c) set.quantize(x.data(), kInputs, blocks.data() + c, columns);
  std::vector<float> y(kRows * columns);
  std::vector<float*> outputs(columns);
  double fastest = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t panel = 0; panel < kernels::panel_count(kRows); ++panel) {
      for (std::size_t c = 0; c < columns; ++c) outputs[c] = &y[c * kRows + panel * kernels::kPanelRows];
      set.multiply_for(type)(panels.data() + panel * kernels::panel_bytes(type, kInputs), kInputs,
                             {blocks.data(), columns}, outputs.data());
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, seconds.count());
  }
  return fastest;
}

}  // namespace

std::map<std::string, double> kernel_products() {
  std::map<std::string, double> figures;
  for (const WeightType type : kernels::kWeightTypes) {
    // Any bytes are weights; those without a high bit make no scale that is not a number.
    std::vector<std::byte> panels(kernels::panel_count(kRows) * kernels::panel_bytes(type, kInputs));
    std::mt19937 random(1);
    for (std::byte& byte : panels) byte = static_cast<std::byte>(random() & 0x37U);
    for (const KernelSet* set : kernels::supported_kernels().subspan(1)) {
      for (const std::size_t columns : kColumnCounts) {
        const double seconds = seconds_of(*set, type, panels, columns);
        const char* name = kTypeNames[static_cast<std::size_t>(type)];
        figures[fmt::format("product_{}_{}_{}_gmac_per_s", set->name, name, columns)] =
            static_cast<double>(kRows * kInputs * columns) / seconds / 1e9;
      }
    }
  }
  return figures;
}

}  // namespace sovereign::bench
