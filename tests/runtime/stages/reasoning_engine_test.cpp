// Reasoning in the pipeline, on the real engine and model.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "gateway/llama_backend.h"
#include "runtime/recording_client.h"
#include "runtime/standard_pipeline.h"
#include "support/test_model.h"

namespace sovereign::runtime {
namespace {

using testing::RecordingClient;

struct PromptTokens {
  std::uint64_t prompt = 0;
  std::uint64_t cached = 0;
};

// The engine's backend, which notes what each generation's prompt cost, in the order in which they ended.
class CountingBackend final : public gateway::Backend {
 public:
  explicit CountingBackend(std::shared_ptr<gateway::Backend> inner) : inner_(std::move(inner)) {}

  const gateway::BackendIdentity& identity() const override { return inner_->identity(); }
  gateway::BackendCapabilities capabilities() const override { return inner_->capabilities(); }
  gateway::outcome<std::uint64_t> generate(gateway::GenerateRequest request,
                                           std::shared_ptr<gateway::GenerateSink> sink) override {
    return inner_->generate(std::move(request), std::make_shared<Sink>(costs_, std::move(sink)));
  }
  void cancel(std::uint64_t generation) noexcept override { inner_->cancel(generation); }

  // Of generations [first, end).
  PromptTokens sum(std::size_t first, std::size_t end) const {
    const std::lock_guard lock(costs_->mutex);
    PromptTokens total;
    for (std::size_t i = first; i < end; ++i) {
      total.prompt += costs_->of.at(i).prompt;
      total.cached += costs_->of.at(i).cached;
    }
    return total;
  }

 private:
  // Sinks may outlive the backend.
  struct Costs {
    std::mutex mutex;
    std::vector<PromptTokens> of;  // guarded by mutex
  };

  class Sink final : public gateway::GenerateSink {
   public:
    Sink(std::shared_ptr<Costs> costs, std::shared_ptr<gateway::GenerateSink> outer)
        : costs_(std::move(costs)), outer_(std::move(outer)) {}
    void on_redirect(const gateway::BackendIdentity& by) noexcept override { outer_->on_redirect(by); }
    void on_begin(std::shared_ptr<const gateway::AnswerSyntax> syntax) noexcept override {
      outer_->on_begin(std::move(syntax));
    }
    void on_delta(engine::GenerationDelta delta) noexcept override { outer_->on_delta(std::move(delta)); }
    void on_done(const engine::GenerationSummary& summary) noexcept override {
      {
        const std::lock_guard lock(costs_->mutex);
        costs_->of.push_back({summary.prompt_tokens, summary.cached_prompt_tokens});
      }
      outer_->on_done(summary);
    }
    void on_failure(const gateway::Failure& failure) noexcept override { outer_->on_failure(failure); }

   private:
    const std::shared_ptr<Costs> costs_;
    const std::shared_ptr<gateway::GenerateSink> outer_;
  };

  const std::shared_ptr<gateway::Backend> inner_;
  const std::shared_ptr<Costs> costs_ = std::make_shared<Costs>();
};

class ReasoningEngineTest : public ::testing::Test {
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
    backend_ = std::make_shared<CountingBackend>(std::make_shared<gateway::LlamaBackend>(
        gateway::BackendIdentity{"model", "fp", "sha256:test"}, model_,
        std::shared_ptr<const engine::ChatFormat>(std::move(*format)), engine_));
    policy_.graph.branches = 3;
    policy_.graph.max_thought_tokens = 12;
    policy_.graph.min_thought_tokens = 4;
    policy_.graph.stop_agreement = 1.1;
    policy_.graph.max_time = Duration::zero();
  }
  // The engine posts to the workers: it ends first.
  void TearDown() override {
    backend_.reset();
    engine_.reset();
    workers_.join();
  }

  std::shared_ptr<RecordingClient> ask(const std::string& question, std::uint32_t depth,
                                       bool ignore_eos = false) {
    PipelineParts parts{clock_,
                        [this](std::function<void()> job) { boost::asio::post(workers_, std::move(job)); }};
    parts.reasoning = policy_;
    SovereignQuery query;
    query.content = question;
    query.max_depth = depth;
    query.require_reasoning = true;
    query.max_tokens = 4;
    query.ignore_eos = ignore_eos;
    query.sampling.temperature = 0;
    auto client = std::make_shared<RecordingClient>();
    make_pipeline(std::move(parts))->start(std::move(query), backend_, client);
    return client;
  }
  std::shared_ptr<RecordingClient> ask_to_end(const std::string& question, std::uint32_t depth,
                                              bool ignore_eos = false) {
    auto client = ask(question, depth, ignore_eos);
    client->wait();
    return client;
  }

  static inline std::shared_ptr<const engine::LlamaModel> model_;
  SteadyClock clock_;
  boost::asio::thread_pool workers_{1};
  std::shared_ptr<engine::Engine> engine_;
  std::shared_ptr<CountingBackend> backend_;
  ReasoningPolicy policy_;
};

std::string long_question() {
  std::string question = "Read this list of prices.\n";
  for (int i = 1; i <= 12; ++i)
    question += "Item " + std::to_string(i) + " costs " + std::to_string(3 * i) + " dollars.\n";
  return question + "What does item 5 cost?";
}

TEST_F(ReasoningEngineTest, BranchesShareTheirPromptsBeginning) {
  const auto client = ask_to_end(long_question(), 2);
  ASSERT_TRUE(client->result()) << client->failure()->message;
  const auto outcome = client->result()->reasoning;
  ASSERT_TRUE(outcome);
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
  const PromptTokens tokens = backend_->sum(3, 6);
  EXPECT_GT(tokens.prompt, 3 * 120u);
  EXPECT_GT(static_cast<double>(tokens.cached), 0.7 * static_cast<double>(tokens.prompt));
}

TEST_F(ReasoningEngineTest, SecondAndThirdBranchComputeAlmostNothingOfThePrompt) {
  const auto client = ask_to_end(long_question(), 1);
  ASSERT_TRUE(client->result()) << client->failure()->message;
  const PromptTokens tokens = backend_->sum(0, 3);
  EXPECT_GE(tokens.cached, tokens.prompt / 3 * 2 - 8);
}

TEST_F(ReasoningEngineTest, ADeadlineCutsThoughtsAndKeepsTheirText) {
  policy_.graph.max_thought_tokens = 400;
  policy_.graph.max_tokens = 1200;
  policy_.graph.max_time = std::chrono::milliseconds(1500);
  const auto client = ask_to_end("Tell a long story.", 2, true);
  if (const auto result = client->result()) {
    const auto outcome = result->reasoning;
    EXPECT_EQ(outcome->stop, StopReason::time);
    EXPECT_EQ(outcome->levels, 1u);
    for (ThoughtId id = 1; id < outcome->graph.size(); ++id)
      EXPECT_NE(outcome->graph.at(id).status, ThoughtStatus::complete);
  } else {  // on a slow machine no thought has begun by then
    EXPECT_EQ(client->failure()->code, ErrorCode::unavailable);
  }
}

TEST_F(ReasoningEngineTest, AClientThatLeavesEndsItsThoughts) {
  policy_.graph.max_thought_tokens = 600;
  policy_.graph.max_tokens = 1800;
  const auto client = ask("Tell a long story.", 2, true);
  while (engine_->metrics().decode_tokens.load() < 6) std::this_thread::yield();
  client->leave();
  client->wait();
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->code, ErrorCode::cancelled);
  EXPECT_LT(engine_->metrics().decode_tokens.load(), 1200u);
}

// It was told as 503, which invites to ask again.
TEST_F(ReasoningEngineTest, AQuestionThatDoesNotFitIsTheClientsFault) {
  std::string question;
  for (int i = 0; i < 2000; ++i) question += "word ";
  const auto client = ask_to_end(question, 1);
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->code, ErrorCode::invalid_argument);
  EXPECT_EQ(client->failure()->reason, gateway::kContextLengthExceeded);
}

}  // namespace
}  // namespace sovereign::runtime
