// Drafts of the test's model for itself: what it is sure of, within the cells that it has.
#include "engine/model_drafter.h"

#include <gtest/gtest.h>

#include "engine/decoder.h"
#include "engine/llama_model.h"
#include "engine/test_model.h"

namespace sovereign::engine {
namespace {

constexpr std::uint32_t kGuesses = 4;

class ModelDrafterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = test_model(); }
  static void TearDownTestSuite() { model_.reset(); }

  void make(std::uint32_t cells) {
    EngineConfig config;
    config.context_tokens = 256;
    config.kv_cells = cells;
    config.max_sequences = 4;
    config.max_cached_prefixes = 0;
    config.step_token_budget = 128;
    config.threads = 1;
    drafter_.reset();  // it computes on the threads of the target
    auto target = Decoder::create(*model_, config);
    ASSERT_TRUE(target) << target.error().message;
    target_ = std::move(*target);
    auto drafter = ModelDrafter::create(model_, config, model_->info().vocabulary_size, *target_, clock_);
    ASSERT_TRUE(drafter) << drafter.error().message;
    drafter_ = std::move(*drafter);
  }
  static std::vector<Token> counting() {
    return model_->tokenize("one, two, three, one, two, three, one, two, three, one,", true, false);
  }

  static inline std::shared_ptr<const LlamaModel> model_;
  SteadyClock clock_;
  std::unique_ptr<Decoder> target_;
  std::unique_ptr<ModelDrafter> drafter_;
};

// Each text was checked alone, and the guesses of all together took more cells than there were.
TEST_F(ModelDrafterTest, GuessesOfAllTextsTogetherFitTheCache) {
  const auto text = counting();
  const auto length = static_cast<std::uint32_t>(text.size());
  make(1024);
  drafter_->begin(1, text);
  const auto alone = drafter_->draft(std::vector<Drafter::Wish>{{1, kGuesses}});
  ASSERT_EQ(alone[0].size(), kGuesses) << "it is sure of how this goes on";
  // Room for both texts and the guesses of one; the last guess takes no cell.
  make(2 * length + kGuesses + 1);
  drafter_->begin(1, text);
  drafter_->begin(2, text);
  const std::vector<Drafter::Wish> both = {{1, kGuesses}, {2, kGuesses}};
  const auto together = drafter_->draft(both);
  EXPECT_EQ(together[0], alone[0]);
  EXPECT_TRUE(together[1].empty());
  drafter_->end(1);
  EXPECT_EQ(drafter_->draft(std::vector<Drafter::Wish>{{2, kGuesses}})[0], alone[0]);
  // And with the cells for it both are guessed at once.
  make(2 * (length + kGuesses));
  drafter_->begin(1, text);
  drafter_->begin(2, text);
  const auto enough = drafter_->draft(both);
  EXPECT_EQ(enough[0], alone[0]);
  EXPECT_EQ(enough[1], alone[0]);
}

}  // namespace
}  // namespace sovereign::engine
