// Reasoning on the real engine and model.
#include <gtest/gtest.h>

#include <thread>

#include "engine/llama_model.h"
#include "runtime/reasoning/engine_generator.h"
#include "runtime/reasoning/reason.h"
#include "support/test_model.h"

namespace sovereign::runtime {
namespace {

class ReasonEngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto loaded = engine::LlamaModel::load(testing::test_model_path(), 0);
    ASSERT_TRUE(loaded) << loaded.error().message;
    model_ = *loaded;
  }
  static void TearDownTestSuite() { model_.reset(); }

  void SetUp() override {
    engine::EngineConfig config;
    config.context_tokens = 768;
    config.kv_cells = 3072;
    config.max_sequences = 4;
    config.threads = 1;  // other tests run beside this one
    auto started = engine::Engine::start(model_, config, clock_);
    ASSERT_TRUE(started) << started.error().message;
    engine_ = std::move(*started);
    auto format = engine::ChatFormat::create(*model_);
    ASSERT_TRUE(format) << format.error().message;
    format_ = std::move(*format);
  }

  static ReasoningConfig small_config() {
    ReasoningConfig config;
    config.branches = 3;
    config.max_depth = 2;
    config.max_thought_tokens = 12;
    config.min_thought_tokens = 4;
    config.stop_agreement = 1.1;
    config.max_time = Duration::zero();
    config.seed = 3;
    return config;
  }

  static inline std::shared_ptr<const engine::LlamaModel> model_;
  SteadyClock clock_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::ChatFormat> format_;
};

std::string long_question() {
  std::string question = "Read this list of prices.\n";
  for (int i = 1; i <= 12; ++i)
    question += "Item " + std::to_string(i) + " costs " + std::to_string(3 * i) + " dollars.\n";
  return question + "What does item 5 cost?";
}

TEST_F(ReasonEngineTest, BranchesShareTheirPromptsBeginning) {
  EngineGenerator generator(*engine_, *format_, {});
  const auto outcome = reason(long_question(), small_config(), generator, clock_);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->levels, 2u);
  EXPECT_EQ(outcome->graph.size(), 7u);
  EXPECT_FALSE(outcome->answer.empty());
  EXPECT_EQ(outcome->best_path.front(), 0u);
  for (ThoughtId id = 1; id < outcome->graph.size(); ++id) {
    const Thought& thought = outcome->graph.at(id);
    EXPECT_GT(thought.tokens, 0u);
    EXPECT_TRUE(thought.scores.likelihood.has_value()) << "no log-probabilities for thought " << id;
  }
  // Level 2: each prompt begins with the question's many tokens, which level 1 left in the cache.
  const PromptTokens& tokens = generator.prompt_tokens();
  EXPECT_GT(tokens.prompt, 3 * 120u);
  EXPECT_GT(static_cast<double>(tokens.cached), 0.7 * static_cast<double>(tokens.prompt));
}

TEST_F(ReasonEngineTest, SecondAndThirdBranchComputeAlmostNothingOfThePrompt) {
  ReasoningConfig config = small_config();
  config.max_depth = 1;
  EngineGenerator generator(*engine_, *format_, {});
  const auto outcome = reason(long_question(), config, generator, clock_);
  ASSERT_TRUE(outcome) << outcome.error().message;
  const PromptTokens& tokens = generator.prompt_tokens();
  EXPECT_GE(tokens.cached, tokens.prompt / 3 * 2 - 8);
}

TEST_F(ReasonEngineTest, ADeadlineCutsThoughtsAndKeepsTheirText) {
  ReasoningConfig config = small_config();
  config.max_thought_tokens = 400;
  config.max_tokens = 1200;
  config.max_time = std::chrono::milliseconds(1500);
  EngineGeneratorOptions options;
  options.ignore_eos = true;
  EngineGenerator generator(*engine_, *format_, options);
  const auto outcome = reason("Tell a long story.", config, generator, clock_);
  if (outcome) {
    EXPECT_EQ(outcome->stop, StopReason::time);
    EXPECT_EQ(outcome->levels, 1u);
    for (ThoughtId id = 1; id < outcome->graph.size(); ++id)
      EXPECT_NE(outcome->graph.at(id).status, ThoughtStatus::complete);
  } else {  // on a slow machine no thought has begun by then
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
  }
}

TEST_F(ReasonEngineTest, CancelEndsItFromAnotherThread) {
  ReasoningConfig config = small_config();
  config.max_thought_tokens = 600;
  config.max_tokens = 1800;
  EngineGeneratorOptions options;
  options.ignore_eos = true;
  EngineGenerator generator(*engine_, *format_, options);
  std::thread canceller([&] {
    while (engine_->metrics().decode_tokens.load() < 6) std::this_thread::yield();
    generator.cancel();
  });
  const auto outcome = reason("Tell a long story.", config, generator, clock_);
  canceller.join();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::cancelled);
  const auto later = reason("Another one.", config, generator, clock_);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::cancelled);
}

TEST_F(ReasonEngineTest, AQuestionThatDoesNotFitIsTheEnginesError) {
  std::string question;
  for (int i = 0; i < 2000; ++i) question += "word ";
  EngineGenerator generator(*engine_, *format_, {});
  const auto outcome = reason(question, small_config(), generator, clock_);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace sovereign::runtime
