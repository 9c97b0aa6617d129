#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cstring>

#include "kernels/pack_parallel.h"
#include "kernels/random_matrix.h"
#include "kernels/thread_team.h"

namespace sovereign::kernels {
namespace {

const KernelSet& best() { return fast_kernels() != nullptr ? *fast_kernels() : reference_kernels(); }

// All but the reference; the reference where there is no other.
std::span<const KernelSet* const> fast_sets() {
  const auto all = supported_kernels();
  return all.size() > 1 ? all.subspan(1) : all;
}

class MatmulTypes : public testing::TestWithParam<WeightType> {};
INSTANTIATE_TEST_SUITE_P(Matmul, MatmulTypes, testing::ValuesIn(kWeightTypes),
                         [](const auto& each) { return ggml_type_name(ggml_type_of(each.param)); });

// The promise of kernel_set.h: a column's result does not depend on what is computed beside it, nor by whom.
TEST_P(MatmulTypes, BitsDoNotDependOnBatchNorThreads) {
  const TestMatrix matrix = random_matrix(GetParam(), 331, 1280, 3);
  constexpr std::size_t kColumns = 150;
  const std::vector<float> x = random_floats(kColumns * matrix.k, 1, 4);
  std::vector<float> alone;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(c * matrix.k);
    const std::vector<float> y =
        product(best(), matrix, {begin, begin + static_cast<std::ptrdiff_t>(matrix.k)});
    alone.insert(alone.end(), y.begin(), y.end());
  }
  for (const KernelSet* kernels : fast_sets()) {
    for (const std::size_t columns : {2, 3, 7, 8, 15, 16, 17, 31, 64, 65, 150}) {
      for (const std::size_t threads : {1, 2, 3, 7}) {
        const auto end = x.begin() + static_cast<std::ptrdiff_t>(columns * matrix.k);
        const std::vector<float> y = product(*kernels, matrix, {x.begin(), end}, threads);
        EXPECT_EQ(std::memcmp(y.data(), alone.data(), y.size() * sizeof(float)), 0)
            << kernels->name << ", " << columns << " columns, " << threads << " threads";
      }
    }
  }
}

// Random shapes: more threads than panels, one row, one column, many columns.
TEST(Matmul, RandomShapesGiveTheReferencesBits) {
  std::mt19937_64 random(std::random_device{}());
  const std::uint64_t seed = random();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  random.seed(seed);
  for (int round = 0; round < 120; ++round) {
    const WeightType type = kWeightTypes[random() % std::size(kWeightTypes)];
    const std::size_t k = inputs_per_block(type) * (1 + random() % (type < WeightType::q4_k ? 20 : 3));
    const std::size_t rows = 1 + random() % 70;
    const std::size_t columns = round % 10 == 0 ? 1 + random() % 600 : 1 + random() % 20;
    const TestMatrix matrix = random_matrix(type, rows, k, random());
    const std::vector<float> x = random_floats(columns * k, 3, random());
    const std::vector<float> expected = product(reference_kernels(), matrix, x);
    for (const KernelSet* kernels : supported_kernels()) {
      const std::vector<float> y = product(*kernels, matrix, x, 1 + random() % 5);
      ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0)
          << kernels->name << ", round " << round << ", " << rows << " x " << k << ", " << columns
          << " columns";
    }
  }
}

// The feed-forward part of an 8B model, where a group of panels is one, and a pass of columns is cut short.
TEST_P(MatmulTypes, LongRowsAndManyColumns) {
  const TestMatrix matrix = random_matrix(GetParam(), 40, 14'336, 11);
  const std::vector<float> x = random_floats(130 * matrix.k, 1, 12);
  std::vector<float> expected;
  for (const KernelSet* kernels : fast_sets()) {
    const std::vector<float> y = product(*kernels, matrix, x, 3);
    if (expected.empty()) {
      const auto some = x.begin() + static_cast<std::ptrdiff_t>(2 * matrix.k);
      const std::vector<float> first = product(reference_kernels(), matrix, {x.begin(), some});
      ASSERT_EQ(std::memcmp(y.data(), first.data(), first.size() * sizeof(float)), 0) << kernels->name;
      expected = y;
    }
    EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0) << kernels->name;
  }
}

TEST(Matmul, ReadsAndWritesStridedColumnsAndNothingElse) {
  const TestMatrix matrix = random_matrix(WeightType::q4_1, 37, 64, 5);
  constexpr std::size_t kStrideX = 64 + 8;
  constexpr std::size_t kStrideY = 37 + 5;
  const std::size_t count[3] = {3, 2, 2};
  std::vector<float> x = random_floats(12 * kStrideX, 1, 6);
  std::vector<float> y(12 * kStrideY, -7.0F);
  // The second and third dimension of x are swapped in memory.
  const Columns in{reinterpret_cast<std::byte*>(x.data()),
                   {count[0], count[1], count[2]},
                   {kStrideX * 4, 6 * kStrideX * 4, 3 * kStrideX * 4}};
  const Columns out{reinterpret_cast<std::byte*>(y.data()),
                    {count[0], count[1], count[2]},
                    {kStrideY * 4, 3 * kStrideY * 4, 6 * kStrideY * 4}};
  multiply_by_team(best(), matrix, in, out, 2);
  for (std::size_t c = 0; c < 12; ++c) {
    const std::vector<float> expected = product(best(), matrix, {in.at(c), in.at(c) + 64});
    EXPECT_EQ(std::memcmp(out.at(c), expected.data(), 37 * sizeof(float)), 0) << c;
    for (std::size_t i = 37; i < kStrideY; ++i) EXPECT_EQ(out.at(c)[i], -7.0F);
  }
}

TEST_P(MatmulTypes, PackingInPartsGivesTheSamePanels) {
  const TestMatrix matrix = random_matrix(GetParam(), 1111, 2048, 8);  // enough for several threads
  std::vector<std::byte> panels(matrix.panels.size());
  pack_parallel(matrix.type, matrix.file, matrix.rows, matrix.k, panels.data());
  EXPECT_EQ(panels, matrix.panels);
}

}  // namespace
}  // namespace sovereign::kernels
