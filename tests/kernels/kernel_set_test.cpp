#include "kernels/kernel_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <set>
#include <sstream>
#include <string>

#include "kernels/half.h"
#include "kernels/random_matrix.h"
#include "kernels/thread_team.h"

namespace sovereign::kernels {
namespace {

// With blocks between those of the column, as another column has them, which must stay as they are.
constexpr std::size_t kStride = 3;

std::vector<ActivationBlock> quantized(const KernelSet& kernels, const std::vector<float>& x) {
  std::vector<ActivationBlock> all(column_blocks(x.size()) * kStride);
  std::memset(all.data(), 0x5A, all.size() * sizeof(ActivationBlock));
  kernels.quantize(x.data(), x.size(), all.data(), kStride);
  std::vector<ActivationBlock> column;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % kStride == 0) {
      column.push_back(all[i]);
      continue;
    }
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&all[i]);
    EXPECT_TRUE(std::all_of(bytes, bytes + sizeof(ActivationBlock), [](int byte) { return byte == 0x5A; }));
  }
  return column;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Half, AllValuesAreThoseOfGgml) {
  for (unsigned bits = 0; bits < 0x10000U; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float expected = ggml_fp16_to_fp32(half);
    const float actual = half_to_float(half);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(actual)) << bits;
    } else {
      EXPECT_EQ(actual, expected) << bits;
      EXPECT_EQ(std::signbit(actual), std::signbit(expected)) << bits;
    }
  }
}

TEST(KernelSet, ReferenceComesFirstAndFastIsTheLast) {
  const auto sets = supported_kernels();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets[0], &reference_kernels());
  EXPECT_EQ(fast_kernels(), sets.size() > 1 ? sets.back() : nullptr);
}

#if defined(__x86_64__)
// The kernel's own list of what the CPU has and the system saves.
TEST(KernelSet, ThereIsOneForWhatTheCpuHas) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) {
  }
  if (line.empty()) GTEST_SKIP() << "no /proc/cpuinfo";
  std::istringstream words(line);
  const std::set<std::string> flags{std::istream_iterator<std::string>(words), {}};
  const auto has = [&](std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(), [&](const char* name) { return flags.contains(name); });
  };
  std::vector<std::string> expected{"reference"};
  if (has({"avx2", "fma", "f16c"})) expected.emplace_back("avx2");
  if (has({"avx2", "fma", "f16c", "avx_vnni"})) expected.emplace_back("avx-vnni");
  if (has({"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"})) {
    expected.emplace_back("avx512vl-vnni");
    expected.emplace_back("avx512-vnni");
  }
  std::vector<std::string> actual;
  for (const KernelSet* kernels : supported_kernels()) actual.emplace_back(kernels->name);
  EXPECT_EQ(actual, expected);
}
#endif

TEST(Quantize, RoundsToTheNearest) {
  std::vector<float> x(32, 0.0F);
  x[0] = -127;
  x[1] = 1.4F;
  x[2] = 2.5F;  // to even
  x[17] = 100;
  for (const KernelSet* kernels : supported_kernels()) {
    const ActivationBlock block = quantized(*kernels, x).at(0);
    EXPECT_EQ(block.scale, 1.0F) << kernels->name;
    EXPECT_EQ(block.quants[0], -127);
    EXPECT_EQ(block.quants[1], 1);
    EXPECT_EQ(block.quants[2], 2);
    EXPECT_EQ(block.quants[17], 100);
    EXPECT_EQ(block.half_sums[0], -124);
    EXPECT_EQ(block.half_sums[1], 100);
    EXPECT_EQ(block.sum, -24);
    EXPECT_EQ(block.scaled_sum, -24.0F);
  }
}

TEST(Quantize, EveryInstructionSetGivesTheSameBytes) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float odd[] = {0.0F,    -0.0F,     1e-45F,   1e-38F,        0x1p-100F, 0x1.fffffep-101F,
                       3.4e38F, -infinity, infinity, std::nanf(""), 127.5F,    -128.0F};
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = 1 + random() % 40;
    std::vector<float> x =
        random_floats(count * kBlock, std::exp2(static_cast<float>(random() % 200) - 100.0F), random());
    for (std::size_t i = 0; round % 3 == 0 && i < 4; ++i)
      x[random() % x.size()] = odd[random() % std::size(odd)];
    const std::vector<ActivationBlock> expected = quantized(reference_kernels(), x);
    for (const KernelSet* kernels : supported_kernels()) {
      SCOPED_TRACE(testing::Message() << kernels->name << ", round " << round);
      const std::vector<ActivationBlock> actual = quantized(*kernels, x);
      for (std::size_t b = 0; b < count; ++b) {
        EXPECT_EQ(actual[b].sum, expected[b].sum);
        EXPECT_EQ(actual[b].half_sums[1], expected[b].half_sums[1]);
        EXPECT_EQ(std::memcmp(actual[b].quants, expected[b].quants, kBlock), 0);
        // Infinity times zero: NaN, of either sign.
        if (!std::isnan(expected[b].scaled_sum)) {
          EXPECT_EQ(std::memcmp(&actual[b], &expected[b], sizeof expected[b]), 0);
        }
      }
    }
  }
}

class KernelSetTypes : public testing::TestWithParam<WeightType> {};
INSTANTIATE_TEST_SUITE_P(KernelSet, KernelSetTypes, testing::ValuesIn(kWeightTypes),
                         [](const auto& each) { return ggml_type_name(ggml_type_of(each.param)); });

// One input of 127 has the scale 1 and the quant 127: each output is 127 times a weight.
TEST_P(KernelSetTypes, PanelsHoldTheFilesWeights) {
  const TestMatrix matrix = random_bytes_matrix(GetParam(), 19, 256, 11, false);
  const std::vector<float> weights = matrix.dequantized();
  for (std::size_t i = 0; i < matrix.k; ++i) {
    std::vector<float> x(matrix.k, 0.0F);
    x[i] = 127;
    const std::vector<float> y = product(reference_kernels(), matrix, x);
    for (std::size_t row = 0; row < matrix.rows; ++row) {
      const float weight = weights[row * matrix.k + i];
      // d * q and the minimum are added to each other, so their own sizes bound the rounding.
      EXPECT_NEAR(y[row], 127 * weight, 127 * 4e-5F) << "row " << row << ", input " << i;
    }
  }
}

TEST_P(KernelSetTypes, EveryInstructionSetGivesTheReferencesBits) {
  const std::size_t unit = inputs_per_block(GetParam());
  for (const std::size_t blocks : {1, 2, 5}) {
    for (std::size_t columns = 1; columns <= 19; ++columns) {
      for (const int kind : {0, 1, 2}) {
        const std::uint64_t seed = 1000 * blocks + 10 * columns + static_cast<std::uint64_t>(kind);
        const TestMatrix matrix = kind == 0
                                      ? random_matrix(GetParam(), 21, blocks * unit, seed)
                                      : random_bytes_matrix(GetParam(), 21, blocks * unit, seed, kind == 2);
        std::vector<float> x = random_floats(columns * matrix.k, 1, seed + 1);
        if (kind == 2)
          std::fill(x.begin(), x.end(), columns % 2 == 0 ? 1.0F : -1.0F);  // nothing may saturate
        const std::vector<float> expected = product(reference_kernels(), matrix, x);
        for (const KernelSet* kernels : supported_kernels()) {
          EXPECT_TRUE(same_bits(product(*kernels, matrix, x), expected))
              << kernels->name << ", seed " << seed;
        }
      }
    }
  }
}

// NaN is rounded to -128, the one value whose size is not at most 127: it must not saturate either.
TEST_P(KernelSetTypes, TheSmallestByteDoesNotSaturate) {
  const TestMatrix matrix = random_bytes_matrix(GetParam(), 16, 256, 5, true);
  for (const std::int8_t q : {std::int8_t{-128}, std::int8_t{127}}) {
    const auto half_sum = static_cast<std::int16_t>(16 * q);
    ActivationBlock block{1.0F, 32.0F * q, 32 * q, {half_sum, half_sum}, {}};
    std::memset(block.quants, q, sizeof block.quants);
    const std::vector<ActivationBlock> column(column_blocks(256), block);
    const ActivationTile tile{column.data(), 1};
    float expected[kPanelRows];
    float* output = expected;
    reference_kernels().multiply_for(GetParam())(matrix.panels.data(), 256, tile, &output);
    for (const KernelSet* kernels : supported_kernels()) {
      float actual[kPanelRows];
      output = actual;
      kernels->multiply_for(GetParam())(matrix.panels.data(), 256, tile, &output);
      EXPECT_EQ(std::memcmp(actual, expected, sizeof actual), 0) << kernels->name;
    }
  }
}

}  // namespace
}  // namespace sovereign::kernels
