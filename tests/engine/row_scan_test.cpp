#include "engine/row_scan.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sovereign::engine {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<const RowKernels*> all_kernels() {
  std::vector<const RowKernels*> kernels;
  for (auto at = supported_row_kernels(); *at != nullptr; ++at) kernels.push_back(*at);
  return kernels;
}

// Few distinct values, so that ties are common, and every special value.
std::vector<float> arbitrary_row() {
  const auto value = rc::gen::weightedOneOf<float>(
      {{6, rc::gen::elementOf(std::vector<float>{0.0F, -0.0F, 1.0F, 1.5F, -3.0F, 7.0F})},
       {3, rc::gen::map(rc::gen::inRange(-4000, 4000), [](int n) { return static_cast<float>(n) / 100; })},
       {1, rc::gen::elementOf(std::vector<float>{-kInf, kNan, -1e30F})}});
  const auto size = *rc::gen::inRange<std::size_t>(1, 900);
  return *rc::gen::container<std::vector<float>>(size, value);
}

std::vector<float> normal_row(std::size_t size, unsigned seed, float spread) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> row(size);
  for (float& x : row) x = normal(rng);
  return row;
}

std::vector<Candidate> sorted_reference(const std::vector<float>& row) {
  std::vector<Candidate> all;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] > -kInf) all.push_back({static_cast<Token>(i), row[i]});
  }
  std::sort(all.begin(), all.end(), better);
  return all;
}

TEST(RowKernelsTest, NamesTheOnesThisMachineHas) {
  ASSERT_FALSE(all_kernels().empty());
  EXPECT_STREQ(all_kernels().front()->name, "generic");
  EXPECT_EQ(all_kernels().back(), &row_kernels());
}

RC_GTEST_PROP(RowKernelsProperty, EveryInstructionSetGivesTheSameBits, ()) {
  std::vector<float> row = arbitrary_row();
  row.resize((row.size() + kRowBlock - 1) / kRowBlock * kRowBlock, -kInf);
  const std::size_t blocks = row.size() / kRowBlock;
  const auto scale = *rc::gen::elementOf(std::vector<float>{0.0F, 0.1F, 1.0F, 2.5F, 1e20F});
  const auto bits = [](const std::vector<float>& values) {
    std::vector<std::uint32_t> all;
    for (const float x : values) all.push_back(std::bit_cast<std::uint32_t>(x));
    return all;
  };
  // Signed zeros may stand for each other in a maximum; adding 0 makes them one.
  const auto maxima = [&](const RowKernels& kernels) {
    std::vector<float> out(blocks);
    kernels.block_max(row.data(), blocks, out.data());
    for (float& x : out) x += 0.0F;
    return out;
  };
  const auto shift = [&] {
    const auto max = maxima(*all_kernels().front());
    return *std::max_element(max.begin(), max.end());
  }();
  const auto sums = [&](const RowKernels& kernels) {
    std::vector<float> out(blocks);
    kernels.block_exp_sum(row.data(), blocks, shift, scale, out.data());
    return out;
  };
  for (const RowKernels* kernels : all_kernels()) {
    RC_ASSERT(bits(maxima(*kernels)) == bits(maxima(*all_kernels().front())));
    if (shift == -kInf) continue;
    RC_ASSERT(bits(sums(*kernels)) == bits(sums(*all_kernels().front())));
  }
}

TEST(RowKernelsTest, ExpIsAsExactAsPromised) {
  for (const RowKernels* kernels : all_kernels()) {
    double worst = 0;
    for (int step = 0; step < 86 * 64; ++step) {
      std::array<float, kRowBlock> in;
      std::array<float, kRowBlock> out;
      for (std::size_t i = 0; i < kRowBlock; ++i) {
        in[i] = -(static_cast<float>(step) / 64 + static_cast<float>(i) / 64 / kRowBlock);
      }
      kernels->exp_terms(in.data(), 0.0F, 1.0F, out.data());
      for (std::size_t i = 0; i < kRowBlock; ++i) {
        const double exact = std::exp(static_cast<double>(in[i]));
        worst = std::max(worst, std::abs(static_cast<double>(out[i]) - exact) / exact);
      }
    }
    EXPECT_LT(worst, 3e-7) << kernels->name;
  }
}

TEST(RowKernelsTest, ExpOfTheEnds) {
  std::array<float, kRowBlock> in;
  std::array<float, kRowBlock> out;
  in.fill(0.0F);
  in[1] = -kInf;
  in[2] = kNan;
  in[3] = -88.0F;
  in[4] = -1e30F;
  for (const RowKernels* kernels : all_kernels()) {
    kernels->exp_terms(in.data(), 0.0F, 1.0F, out.data());
    EXPECT_EQ(out[0], 1.0F);
    for (const std::size_t i : {1U, 2U, 3U, 4U}) EXPECT_EQ(out[i], 0.0F) << i;
  }
}

RC_GTEST_PROP(RowScanProperty, ArgmaxIsTheReference, ()) {
  const std::vector<float> row = arbitrary_row();
  for (const RowKernels* kernels : all_kernels()) {
    RowScan scan(*kernels);
    scan.load(row);
    RC_ASSERT(scan.argmax() == argmax_reference(row));
  }
}

TEST(RowScanTest, ArgmaxOfSpecialRows) {
  RowScan scan;
  const auto argmax = [&](const std::vector<float>& row) {
    scan.load(row);
    return scan.argmax();
  };
  EXPECT_EQ(argmax({kNan, kNan}), 0);
  EXPECT_EQ(argmax({kNan, -kInf, -kInf}), 1);
  EXPECT_EQ(argmax({1, 3, 3, kNan}), 1);
  EXPECT_EQ(argmax(std::vector<float>(5, -kInf)), 0);
  std::vector<float> nan_block_first(kRowBlock * 2, kNan);
  nan_block_first[kRowBlock + 7] = -kInf;
  EXPECT_EQ(argmax(nan_block_first), static_cast<Token>(kRowBlock + 7));
}

RC_GTEST_PROP(RowScanProperty, TopKIsTheHeadOfTheSortedRow, ()) {
  const std::vector<float> row = arbitrary_row();
  const auto k = *rc::gen::inRange<std::size_t>(0, 1000);
  RowScan scan;
  scan.load(row);
  std::vector<Candidate> top;
  scan.top_k(k, top);
  std::vector<Candidate> expected = sorted_reference(row);
  if (expected.size() > k) expected.resize(k);
  RC_ASSERT(top == expected);
}

RC_GTEST_PROP(RowScanProperty, AtLeastKeepsExactlyThose, (float threshold)) {
  const std::vector<float> row = arbitrary_row();
  RowScan scan;
  scan.load(row);
  std::vector<Candidate> kept;
  scan.at_least(threshold, kept);
  std::vector<Candidate> expected;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] >= threshold && row[i] > -kInf) expected.push_back({static_cast<Token>(i), row[i]});
  }
  RC_ASSERT(kept == expected);
}

TEST(RowScanTest, MassIsTheSoftmaxDenominator) {
  for (const std::size_t size : {1U, 127U, 128U, 129U, 49152U}) {
    const std::vector<float> row = normal_row(size, 7, 4);
    RowScan scan;
    scan.load(row);
    for (const float scale : {0.0F, 0.5F, 1.0F, 3.0F}) {
      scan.weigh(scale);
      double exact = 0;
      for (const float x : row) exact += std::exp(static_cast<double>((x - scan.max()) * scale));
      EXPECT_NEAR(scan.mass() / exact, 1.0, 1e-6) << size << " " << scale;
    }
  }
}

TEST(RowScanTest, QuantilesWalkThroughTheTokensByTheirMass) {
  const std::vector<float> row = normal_row(1000, 11, 2);
  RowScan scan;
  scan.load(row);
  scan.weigh(1.0F);
  std::vector<double> cumulative;
  double sum = 0;
  for (const float x : row) cumulative.push_back(sum += std::exp(static_cast<double>(x - scan.max())));
  for (int step = 0; step < 5000; ++step) {
    const double u = step / 5000.0;
    const auto token = static_cast<std::size_t>(scan.at_quantile(u));
    const double before = token == 0 ? 0 : cumulative[token - 1] / sum;
    EXPECT_LE(before, u + 1e-6);
    EXPECT_GE(cumulative[token] / sum, u - 1e-6);
  }
}

TEST(RowScanTest, QuantilesNeverPickABannedToken) {
  std::vector<float> row(300, -kInf);
  row[5] = 1;
  row[200] = 1;
  row[201] = kNan;
  RowScan scan;
  scan.load(row);
  scan.weigh(1.0F);
  EXPECT_EQ(scan.at_quantile(0.0), 5);
  EXPECT_EQ(scan.at_quantile(0.499), 5);
  EXPECT_EQ(scan.at_quantile(0.501), 200);
  EXPECT_EQ(scan.at_quantile(std::nextafter(1.0, 0.0)), 200);
}

}  // namespace
}  // namespace sovereign::engine
