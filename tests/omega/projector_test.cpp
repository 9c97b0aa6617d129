#include "omega/projector.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "bench/allocation_counter.h"

namespace sovereign::omega {
namespace {

constexpr IhsanVector uniform(double value) {
  IhsanVector vector;
  for (std::size_t d = 0; d < kDimensions; ++d) vector.set(static_cast<Dimension>(d), value);
  return vector;
}

// Each dimension 0..1000 thousandths, or unmeasured for 1001..1300.
IhsanVector vector_of(const std::array<int, kDimensions>& thousandths) {
  IhsanVector vector;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (thousandths[d] <= 1000) vector.set(static_cast<Dimension>(d), thousandths[d] / 1000.0);
  }
  return vector;
}

ProjectorWeights weights_of(const std::vector<int>& thousandths) {
  ProjectorWeights weights;
  std::size_t at = 0;
  for (auto& row : weights.w) {
    for (double& weight : row) weight = thousandths[at++] / 1000.0;
  }
  for (double& bias : weights.b) bias = thousandths[at++] / 1000.0;
  return weights;
}

TEST(Projector, DefaultWeightsMeanWhatTheirCommentSays) {
  static_assert(IhsanProjector().project(uniform(1.0)).belief == 1.0);
  constexpr IhsanProjector projector;
  const NTUState perfect = projector.project(uniform(1.0));
  EXPECT_EQ(perfect, (NTUState{1.0, 0.0, 1.0, 1.0}));
  EXPECT_EQ(projector.project(uniform(0.0)), (NTUState{0.0, 1.0, -1.0, 1.0}));
  EXPECT_NEAR(projector.project(uniform(0.5)).potential, 0.0, 1e-12);
  EXPECT_NEAR(projector.project(uniform(0.5)).belief, 0.5, 1e-12);
}

TEST(Projector, OneDimensionUnderTheFloorScalesBelief) {
  constexpr IhsanProjector projector;
  IhsanVector vector = uniform(1.0);
  vector.set(Dimension::gratitude, 0.25);
  const double unscaled = 0.95 * 1.0 + 0.05 * 0.25;
  EXPECT_NEAR(projector.project(vector).belief, unscaled * 0.5, 1e-12);
  vector.set(Dimension::gratitude, 0.5);
  EXPECT_NEAR(projector.project(vector).belief, 0.975, 1e-12);
}

TEST(Projector, ClampsBeforeTheFloorScales) {
  ProjectorWeights weights;
  weights.w[0].fill(1.0);
  weights.w[1].fill(-1.0);
  weights.w[2].fill(5.0);
  const IhsanProjector projector(weights);
  IhsanVector vector = uniform(1.0);
  vector.set(Dimension::patience, 0.25);
  const NTUState state = projector.project(vector);
  EXPECT_EQ(state.belief, 0.5);  // 7.25 clamped to 1, then times 0.25/0.5
  EXPECT_EQ(state.entropy, 0.0);
  EXPECT_EQ(state.potential, 1.0);
  for (auto& weight : weights.w[2]) weight = -5.0;
  EXPECT_EQ(IhsanProjector(weights).project(vector).potential, -1.0);
}

TEST(Projector, UnmeasuredDimensionsCarryNoWeight) {
  constexpr IhsanProjector projector;
  IhsanVector vector;
  vector.set(Dimension::truthfulness, 0.8);
  vector.set(Dimension::trustworthiness, 0.8);
  const NTUState state = projector.project(vector);
  EXPECT_NEAR(state.belief, 0.8, 1e-12);  // not 0.8 * 0.45, as if the rest were zero
  EXPECT_NEAR(state.coverage, 0.45, 1e-12);
}

TEST(Projector, NothingMeasuredGivesTheBiasAndNoCoverage) {
  constexpr IhsanProjector projector;
  EXPECT_EQ(projector.project(IhsanVector{}), (NTUState{0.0, 1.0, -1.0, 0.0}));
}

TEST(Projector, ValidateNamesTheBadEntry) {
  EXPECT_TRUE(validate(kDefaultWeights).has_value());
  ProjectorWeights weights = kDefaultWeights;
  weights.w[1][2] = std::numeric_limits<double>::infinity();
  const auto bad_weight = validate(weights);
  ASSERT_FALSE(bad_weight.has_value());
  EXPECT_EQ(bad_weight.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(bad_weight.error().where, "entropy.justice");
  weights = kDefaultWeights;
  weights.b[2] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(validate(weights).error().where, "potential");
}

TEST(Projector, ProjectsWithoutAllocating) {
  constexpr IhsanProjector projector;
  IhsanVector vector;
  double sink = 0;
  const auto before = bench::allocations_of_this_thread();
  for (int i = 0; i < 10'000; ++i) {
    vector.set(static_cast<Dimension>(i % 8), i / 10'000.0);
    sink += projector.project(vector).belief;
  }
  EXPECT_EQ(bench::allocations_of_this_thread() - before, 0u);
  EXPECT_GT(sink, 0.0);
  ::operator delete(::operator new(1));  // the counter does count
  EXPECT_EQ(bench::allocations_of_this_thread() - before, 1u);
}

RC_GTEST_PROP(Projector, StaysInsideItsLimitsForAnyWeights, ()) {
  const auto raw = *rc::gen::container<std::vector<int>>(27, rc::gen::inRange(-5000, 5001));
  const auto thousandths = *rc::gen::container<std::array<int, kDimensions>>(rc::gen::inRange(0, 1301));
  const NTUState state = IhsanProjector(weights_of(raw)).project(vector_of(thousandths));
  RC_ASSERT(state.belief >= 0.0 && state.belief <= 1.0);
  RC_ASSERT(state.entropy >= 0.0);
  RC_ASSERT(state.potential >= -1.0 && state.potential <= 1.0);
  RC_ASSERT(state.coverage >= 0.0 && state.coverage <= 1.0);
}

// The plain formula of MISSION.md 6, written apart from the code: all measured, long double.
RC_GTEST_PROP(Projector, AgreesWithThePlainFormulaWhenAllIsMeasured, ()) {
  const auto raw = *rc::gen::container<std::vector<int>>(27, rc::gen::inRange(-500, 501));
  const auto thousandths = *rc::gen::container<std::array<int, kDimensions>>(rc::gen::inRange(0, 1001));
  const ProjectorWeights weights = weights_of(raw);
  const NTUState state = IhsanProjector(weights).project(vector_of(thousandths));
  std::array<long double, 3> ntu{};
  long double least = 1;
  for (std::size_t row = 0; row < 3; ++row) {
    ntu[row] = weights.b[row];
    for (std::size_t d = 0; d < kDimensions; ++d) ntu[row] += weights.w[row][d] * (thousandths[d] / 1000.0L);
  }
  for (const int value : thousandths) least = std::min(least, value / 1000.0L);
  long double belief = std::clamp(ntu[0], 0.0L, 1.0L);
  if (least < 0.5L) belief *= least / 0.5L;
  RC_ASSERT(std::abs(state.belief - belief) < 1e-9L);
  RC_ASSERT(std::abs(state.entropy - std::max(ntu[1], 0.0L)) < 1e-9L);
  RC_ASSERT(std::abs(state.potential - std::clamp(ntu[2], -1.0L, 1.0L)) < 1e-9L);
}

}  // namespace
}  // namespace sovereign::omega
