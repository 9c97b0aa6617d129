#include "engine/draft_acceptance.h"

#include <gtest/gtest.h>

namespace sovereign::engine {
namespace {

TEST(DraftAcceptance, FollowsWhatASequenceShows) {
  DraftExperience all;
  DraftAcceptance quoting;
  DraftAcceptance free;
  for (int i = 0; i < 10; ++i) {
    quoting.observe(0, 8, 8);
    free.observe(0, 8, 0);
  }
  EXPECT_GT(quoting.chance(0, all), 0.9);
  EXPECT_LT(free.chance(0, all), 0.4);
  EXPECT_DOUBLE_EQ(free.chance(1, all), 0.8) << "classes are apart";
  for (int i = 0; i < 10; ++i) free.observe(0, 8, 8);
  EXPECT_GT(free.chance(0, all), 0.9) << "a text that begins to quote";
}

TEST(DraftAcceptance, OnlyTheFirstWrongTokenCountsAsWrong) {
  DraftExperience all;
  DraftAcceptance sequence;
  for (int i = 0; i < 100; ++i) sequence.observe(0, 8, 3);
  EXPECT_NEAR(sequence.chance(0, all), 0.75, 0.05) << "three of four tokens that were looked at";
}

TEST(DraftAcceptance, ANewSequenceBeginsWithTheExperienceOfOthers) {
  DraftExperience all;
  for (int i = 0; i < 100; ++i) all.observe(2, 4, 0);
  EXPECT_LT(DraftAcceptance().chance(2, all), 0.1);
  EXPECT_DOUBLE_EQ(DraftAcceptance().chance(3, all), 0.8);
}

TEST(DraftAcceptance, ProbesMoreAndMoreSeldomWhileTheyFailAndAtOnceWhenOneIsRight) {
  DraftAcceptance sequence;
  const auto chances_until_probe = [&] {
    std::uint32_t count = 1;
    while (!sequence.skip(0)) ++count;
    return count;
  };
  EXPECT_EQ(chances_until_probe(), 16U);
  sequence.observe(0, 1, 0);
  EXPECT_EQ(chances_until_probe(), 32U);
  for (int i = 0; i < 10; ++i) {
    sequence.observe(0, 1, 0);
    chances_until_probe();
  }
  sequence.observe(0, 1, 0);
  EXPECT_EQ(chances_until_probe(), 256U);
  sequence.observe(0, 1, 1);
  EXPECT_EQ(chances_until_probe(), 1U);
  sequence.observe(0, 1, 0);
  EXPECT_EQ(chances_until_probe(), 16U);
}

}  // namespace
}  // namespace sovereign::engine
