#include "omega/projector_batch.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "bench/allocation_counter.h"

namespace sovereign::omega {
namespace {

struct Columns {
  explicit Columns(std::size_t count) : results(4, std::vector<double>(count, -7.0)) {
    for (auto& column : values) column.resize(count);
  }
  IhsanColumns in() const {
    IhsanColumns columns{.dimension = {}, .count = values[0].size()};
    for (std::size_t d = 0; d < kDimensions; ++d) columns.dimension[d] = values[d].data();
    return columns;
  }
  NTUColumns out() { return {results[0].data(), results[1].data(), results[2].data(), results[3].data()}; }
  std::array<std::vector<double>, kDimensions> values;
  std::vector<std::vector<double>> results;
};

using ProjectBatch = void (*)(const IhsanProjector&, const IhsanColumns&, const NTUColumns&) noexcept;

class ProjectorBatch : public ::testing::TestWithParam<ProjectBatch> {};

TEST_P(ProjectorBatch, EqualsTheScalarReferenceBitForBit) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  std::uniform_real_distribution<double> weight(-3.0, 3.0);
  for (const std::size_t count : {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 1000}) {
    ProjectorWeights weights = kDefaultWeights;
    if (count % 2 == 1) {
      for (auto& row : weights.w) {
        for (double& w : row) w = unit(random) < 0.2 ? 0.0 : weight(random);
      }
    }
    const IhsanProjector projector(weights);
    Columns columns(count);
    std::vector<NTUState> expected;
    for (std::size_t i = 0; i < count; ++i) {
      IhsanVector vector;
      const double unmeasured_share = unit(random);
      for (std::size_t d = 0; d < kDimensions; ++d) {
        if (unit(random) >= unmeasured_share) vector.set(static_cast<Dimension>(d), unit(random));
        columns.values[d][i] = vector.values()[d];
      }
      expected.push_back(projector.project(vector));
    }
    GetParam()(projector, columns.in(), columns.out());
    for (std::size_t i = 0; i < count; ++i) {
      const NTUState& state = expected[i];
      const double fields[] = {state.belief, state.entropy, state.potential, state.coverage};
      for (std::size_t f = 0; f < 4; ++f) {
        ASSERT_EQ(std::bit_cast<std::uint64_t>(columns.results[f][i]),
                  std::bit_cast<std::uint64_t>(fields[f]))
            << "vector " << i << " of " << count << ", field " << f;
      }
    }
  }
}

TEST_P(ProjectorBatch, AllocatesNothing) {
  Columns columns(1001);
  const IhsanProjector projector;
  const IhsanColumns in = columns.in();
  const NTUColumns out = columns.out();
  const auto before = bench::allocations_of_this_thread();
  GetParam()(projector, in, out);
  EXPECT_EQ(bench::allocations_of_this_thread() - before, 0u);
}

INSTANTIATE_TEST_SUITE_P(Paths, ProjectorBatch, ::testing::Values(&project_batch, &project_batch_baseline),
                         [](const auto& path) { return path.index == 0 ? "Dispatched" : "Baseline"; });

}  // namespace
}  // namespace sovereign::omega
