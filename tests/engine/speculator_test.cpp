#include "engine/speculator.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/lookup_drafter.h"

namespace sovereign::engine {
namespace {

// Says what it is told to, and counts.
class ScriptedDrafter final : public Drafter {
 public:
  void begin(SequenceId id, std::span<const Token>) override { ++begun[id]; }
  void append(SequenceId, Token) override {}
  void end(SequenceId id) override { ended[id] = true; }
  Prospect look(SequenceId, std::uint32_t most) override { return {std::min(most, available), 0}; }
  std::vector<std::vector<Token>> draft(std::span<const Wish> wishes) override {
    std::vector<std::vector<Token>> drafts;
    for (const Wish& wish : wishes) drafts.emplace_back(wish.tokens, Token{7});
    return drafts;
  }

  Duration token_time() const override { return time; }

  std::uint32_t available = 8;
  Duration time{};
  std::map<SequenceId, int> begun;
  std::map<SequenceId, bool> ended;
};

class SpeculatorTest : public ::testing::Test {
 protected:
  std::size_t proposed(SequenceId id, std::uint32_t tokens_left) {
    const std::vector<Speculator::Place> places = {{id, tokens_left}};
    const auto drafts = speculator_.propose(places);
    return drafts.empty() ? 0 : drafts[0].tokens.size();
  }

  ScriptedDrafter* drafter_ = new ScriptedDrafter;
  Speculator speculator_{std::unique_ptr<Drafter>(drafter_), SpeculatorLimits{8, 32}};
};

TEST_F(SpeculatorTest, GoesFurtherWhenDraftsAreRightAndStopsWhenTheyAreWrong) {
  speculator_.begin(1, {});
  const std::size_t first = proposed(1, 100);
  EXPECT_GT(first, 0U);
  for (int i = 0; i < 20; ++i) speculator_.on_verified(1, 4, 4);
  EXPECT_EQ(proposed(1, 100), 8U);
  for (int i = 0; i < 60; ++i) speculator_.on_verified(1, 4, 0);
  EXPECT_EQ(proposed(1, 100), 0U);
  std::size_t probe = 0;
  for (int i = 0; i < 16 && probe == 0; ++i) probe = proposed(1, 100);
  EXPECT_EQ(probe, 1U) << "later it tries again";
}

TEST_F(SpeculatorTest, ASlowDrafterIsAskedForLessAndOneAsSlowAsTheModelForNothing) {
  speculator_.begin(1, {});
  for (int i = 0; i < 20; ++i) {
    speculator_.on_step(1 + static_cast<std::uint32_t>(i) % 4, std::chrono::milliseconds(10 + i % 4));
    speculator_.on_verified(1, 4, 3);
  }
  const std::size_t fast = proposed(1, 100);
  drafter_->time = std::chrono::milliseconds(3);
  EXPECT_LT(proposed(1, 100), fast);
  drafter_->time = std::chrono::milliseconds(10);
  EXPECT_EQ(proposed(1, 100), 0U);
}

TEST_F(SpeculatorTest, NeverDraftsBeyondTheSequencesEnd) {
  speculator_.begin(1, {});
  for (int i = 0; i < 20; ++i) speculator_.on_verified(1, 8, 8);
  EXPECT_EQ(proposed(1, 4), 3U) << "the step itself gives the fourth";
  EXPECT_EQ(proposed(1, 1), 0U);
}

TEST_F(SpeculatorTest, ASequenceThatComesBackIsNotBegunTwice) {
  speculator_.begin(1, {});
  speculator_.begin(1, {});
  EXPECT_EQ(drafter_->begun[1], 1);
  speculator_.end(1);
  EXPECT_TRUE(drafter_->ended[1]);
  speculator_.on_verified(1, 4, 4);  // nobody any more
}

TEST_F(SpeculatorTest, ALookupDrafterQuotesItsPrompt) {
  Speculator speculator(std::make_unique<LookupDrafter>(), SpeculatorLimits{4, 32});
  const std::vector<Token> prompt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2};
  speculator.begin(5, prompt);
  const std::vector<Speculator::Place> places = {{5, 100}};
  EXPECT_TRUE(speculator.propose(places).empty()) << "1 2 is too short to mean anything";
  speculator.append(5, 3);
  const auto drafts = speculator.propose(places);
  ASSERT_EQ(drafts.size(), 1U);
  ASSERT_FALSE(drafts[0].tokens.empty());
  for (std::size_t i = 0; i < drafts[0].tokens.size(); ++i) {
    EXPECT_EQ(drafts[0].tokens[i], static_cast<Token>(4 + i));
  }
}

}  // namespace
}  // namespace sovereign::engine
