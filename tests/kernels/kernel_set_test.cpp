#include "kernels/kernel_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/half.h"
#include "kernels/random_matrix.h"
#include "kernels/thread_team.h"

namespace sovereign::kernels {
namespace {

std::vector<std::byte> quantized(const KernelSet& kernels, const std::vector<float>& x) {
  std::vector<std::byte> bytes(column_bytes(x.size()));
  kernels.quantize(x.data(), x.size(), bytes.data());
  return bytes;
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

TEST(Quantize, RoundsToTheNearest) {
  std::vector<float> x(32, 0.0F);
  x[0] = -127;
  x[1] = 1.4F;
  x[2] = 2.5F;  // to even
  x[17] = 100;
  for (const KernelSet* kernels : supported_kernels()) {
    const std::vector<std::byte> bytes = quantized(*kernels, x);
    const ActivationColumn column = column_at(bytes.data(), x.size());
    EXPECT_EQ(column.blocks[0].scale, 1.0F) << kernels->name;
    EXPECT_EQ(column.quants[0], -127);
    EXPECT_EQ(column.quants[1], 1);
    EXPECT_EQ(column.quants[2], 2);
    EXPECT_EQ(column.quants[17], 100);
    EXPECT_EQ(column.blocks[0].half_sums[0], -124);
    EXPECT_EQ(column.blocks[0].half_sums[1], 100);
    EXPECT_EQ(column.blocks[0].sum, -24);
    EXPECT_EQ(column.blocks[0].scaled_sum, -24.0F);
  }
}

TEST(Quantize, EveryInstructionSetGivesTheSameBytes) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float odd[] = {0.0F,    -0.0F,     1e-45F,   1e-38F,        0x1p-100F, 0x1.fffffep-101F,
                       3.4e38F, -infinity, infinity, std::nanf(""), 127.5F,    -128.0F};
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<float> x =
        random_floats(96, std::exp2(static_cast<float>(random() % 200) - 100.0F), random());
    for (std::size_t i = 0; round % 3 == 0 && i < 4; ++i)
      x[random() % x.size()] = odd[random() % std::size(odd)];
    const std::vector<std::byte> expected = quantized(reference_kernels(), x);
    for (const KernelSet* kernels : supported_kernels()) {
      const std::vector<std::byte> actual = quantized(*kernels, x);
      for (std::size_t b = 0; b < 3; ++b) {
        const ActivationBlock& ours = column_at(actual.data(), 96).blocks[b];
        const ActivationBlock& theirs = column_at(expected.data(), 96).blocks[b];
        EXPECT_EQ(ours.sum, theirs.sum) << "round " << round;
        EXPECT_EQ(ours.half_sums[1], theirs.half_sums[1]) << "round " << round;
        if (!std::isnan(theirs.scaled_sum)) {
          EXPECT_EQ(std::memcmp(&ours, &theirs, sizeof ours), 0) << "round " << round;
        }
      }
      EXPECT_EQ(std::memcmp(column_at(actual.data(), 96).quants, column_at(expected.data(), 96).quants, 96),
                0)
          << kernels->name << ", round " << round;
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
    for (const std::size_t columns : {1, 2, 3, 4, 5, 8, 11}) {
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
  std::vector<std::byte> column(column_bytes(256));
  for (const std::int8_t q : {std::int8_t{-128}, std::int8_t{127}}) {
    auto* blocks = reinterpret_cast<ActivationBlock*>(column.data());
    for (std::size_t b = 0; b < 256 / kBlock; ++b) {
      blocks[b] = {
          1.0F, 32.0F * q, 32 * q, {static_cast<std::int16_t>(16 * q), static_cast<std::int16_t>(16 * q)}};
    }
    std::memset(column.data() + 256 / kBlock * sizeof(ActivationBlock), q, 256);
    const ActivationColumn view = column_at(column.data(), 256);
    float expected[kPanelRows];
    float* output = expected;
    reference_kernels().multiply_for(GetParam())(matrix.panels.data(), 256, &view, 1, &output);
    for (const KernelSet* kernels : supported_kernels()) {
      float actual[kPanelRows];
      output = actual;
      kernels->multiply_for(GetParam())(matrix.panels.data(), 256, &view, 1, &output);
      EXPECT_EQ(std::memcmp(actual, expected, sizeof actual), 0) << kernels->name;
    }
  }
}

}  // namespace
}  // namespace sovereign::kernels
