#include "gateway/canary/metric_tests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace sovereign::gateway {
namespace {

// The mean of exp(evidence) over every way to choose the block's variants: what a fair gambler expects.
template <class Evidence>
double expected_wealth(std::size_t queries, std::size_t variants, Evidence evidence) {
  std::vector<bool> chosen(queries, false);
  std::fill(chosen.end() - static_cast<std::ptrdiff_t>(variants), chosen.end(), true);
  double sum = 0;
  double ways = 0;
  do {
    sum += std::exp(evidence(chosen));
    ++ways;
  } while (std::next_permutation(chosen.begin(), chosen.end()));
  return sum / ways;
}

std::vector<Sample> assigned(const std::vector<double>& values, const std::vector<bool>& chosen,
                             double factor) {
  std::vector<Sample> block;
  for (std::size_t i = 0; i < values.size(); ++i) {
    block.push_back(chosen[i] ? Sample{Arm::variant, values[i] * factor} : Sample{Arm::control, values[i]});
  }
  return block;
}

// Nine of control, then one of the variant.
std::vector<Sample> block_of(double control, double variant) {
  std::vector<Sample> block(9, Sample{Arm::control, control});
  block.push_back({Arm::variant, variant});
  return block;
}

TEST(BettingTest, WinsAgainstPositiveScoresAndLosesToNegativeOnes) {
  BettingTest test(0.5);
  EXPECT_DOUBLE_EQ(test.log_evidence(), 0);
  for (int i = 0; i < 100; ++i) test.observe(0.2);
  EXPECT_GT(test.log_evidence(), 20);
  BettingTest other(0.5);
  for (int i = 0; i < 100; ++i) other.observe(-0.2);
  EXPECT_LT(other.log_evidence(), 0);
}

TEST(BettingTest, SurvivesTheWorstScores) {
  BettingTest test(1);
  for (int i = 0; i < 10'000; ++i) test.observe(-1);
  EXPECT_TRUE(std::isfinite(test.log_evidence()));
}

// Whatever the values are: chance that assigns them must not win on average.
TEST(TimeTest, IsFairToAVariantAsSlowAsTheMarginAllows) {
  std::mt19937_64 random(20261);
  std::lognormal_distribution<double> latency(0, 1.5);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> values(8);
    for (double& value : values) value = latency(random);
    TimeTest before(0.1);
    std::vector<Sample> history(30);
    for (Sample& each : history) each.value = latency(random);
    before.observe(history);
    for (const std::size_t variants : {1U, 3U, 7U}) {
      const double wealth = expected_wealth(values.size(), variants, [&](const std::vector<bool>& chosen) {
        TimeTest test = before;
        test.observe(assigned(values, chosen, 1.1 * (1 - 1e-12)));
        return test.worse();
      });
      EXPECT_NEAR(wealth, 1, 1e-9) << variants;  // nothing is given away either
    }
  }
}

TEST(TimeTest, GainsWhereEveryAnswerIsSlower) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8};
  const double wealth = expected_wealth(values.size(), 2, [&](const std::vector<bool>& chosen) {
    TimeTest test(0.1);
    test.observe(assigned(values, chosen, 2));
    return test.worse();
  });
  EXPECT_GT(wealth, 1.02);
}

TEST(TimeTest, CountsTiesAsHalf) {
  TimeTest test(0);
  for (int i = 0; i < 50; ++i) test.observe(block_of(1, 1));
  EXPECT_NEAR(test.fine(), 0, 1e-12);
}

TEST(TimeTest, AnEmptyArmSaysNothing) {
  TimeTest test(0.1);
  test.observe(std::vector<Sample>{{Arm::variant, 1}, {Arm::variant, 2}});
  test.observe(std::vector<Sample>{{Arm::control, 1}, {Arm::control, 2}});
  EXPECT_DOUBLE_EQ(test.worse(), 0);
  EXPECT_EQ(test.control().mean.count, 2);
  EXPECT_EQ(test.variant().mean.count, 2);
}

TEST(EventTest, IsFairWhateverTheNumberOfEvents) {
  for (std::uint32_t events = 0; events <= 8; ++events) {
    for (const std::size_t variants : {1U, 2U, 4U}) {
      const double wealth = expected_wealth(8, variants, [&](const std::vector<bool>& chosen) {
        std::vector<Arm> whose;
        for (std::uint32_t i = 0; i < events; ++i) whose.push_back(chosen[i] ? Arm::variant : Arm::control);
        EventTest test(0);
        test.observe(static_cast<std::uint32_t>(8 - variants), static_cast<std::uint32_t>(variants), whose);
        return test.log_evidence();
      });
      EXPECT_NEAR(wealth, 1, 1e-9) << events << ' ' << variants;
    }
  }
}

TEST(EventTest, AFewEventsOfTheVariantAloneSuffice) {
  EventTest test(0.1);
  int blocks = 0;
  for (; test.log_evidence() < std::log(500) && blocks < 100; ++blocks) {
    test.observe(9, 1, std::vector<Arm>{Arm::variant});
  }
  EXPECT_LE(blocks, 5);
}

TEST(ErrorTest, FindsManyQueriesWithoutErrorsFine) {
  ErrorTest test(0.1);
  int blocks = 0;
  for (; test.fine() < std::log(100) && blocks < 5000; ++blocks) test.observe(9, 1, {}, {});
  // The rule of three for one in a hundred, and the price of looking all the time.
  EXPECT_GT(blocks, 300);
  EXPECT_LT(blocks, 1500);
}

TEST(ErrorTest, OneInTenLeftByItsClientIsFineOnlyIfControlIsLeftAsOften) {
  ErrorTest alike(0.1);
  ErrorTest variant_only(0.1);
  std::mt19937_64 random(7);
  for (int block = 0; block < 5000; ++block) {
    std::vector<Arm> left;
    if (random() % 10 == 0) left.push_back(Arm::variant);
    variant_only.observe(9, 1, {}, left);
    for (int i = 0; i < 9; ++i) {
      if (random() % 10 == 0) left.push_back(Arm::control);
    }
    alike.observe(9, 1, {}, left);
  }
  EXPECT_LT(variant_only.fine(), std::log(100));
  EXPECT_GT(alike.fine(), variant_only.fine());
  EXPECT_LE(variant_only.worse(), 0.0) << "nobody failed";
}

TEST(QualityTest, IsFairToAVariantAsBadAsTheMarginAllows) {
  const std::vector<double> values = {0, 0.2, 0.5, 0.9, 1, 1, 1, 1};
  for (const std::size_t variants : {1U, 4U}) {
    const double wealth = expected_wealth(values.size(), variants, [&](const std::vector<bool>& chosen) {
      QualityTest test(0.1);
      test.observe(assigned(values, chosen, 0.9));
      return test.worse();
    });
    EXPECT_NEAR(wealth, 1, 1e-9);
  }
}

TEST(QualityTest, SeesAFifthOfTheAnswersFail) {
  QualityTest test(0.1);
  int blocks = 0;
  std::mt19937_64 random(7);
  for (; test.worse() < std::log(500) && blocks < 5000; ++blocks) {
    test.observe(block_of(1, random() % 5 == 0 ? 0 : 1));
  }
  EXPECT_LT(blocks, 1500);
}

TEST(RunningQuantile, ComesNearTheQuantile) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> latency(0, 1);
  RunningQuantile median(0.5);
  RunningQuantile p90(0.9);
  for (int i = 0; i < 5000; ++i) {
    const double value = latency(random);
    median.add(value);
    p90.add(value);
  }
  EXPECT_NEAR(median.estimate(), 1, 0.3);
  EXPECT_NEAR(p90.estimate(), std::exp(1.2816), 1.2);
}

}  // namespace
}  // namespace sovereign::gateway
