// All layers on a GPU, against the CPU; skipped where the build or the machine has none.
#include <ggml-backend.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine.h"
#include "engine/llama_log.h"
#include "engine/llama_model.h"
#include "engine/recording_sink.h"
#include "support/test_model.h"

namespace sovereign::engine {
namespace {

bool has_gpu() {
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (ggml_backend_dev_type(ggml_backend_dev_get(i)) != GGML_BACKEND_DEVICE_TYPE_CPU) return true;
  }
  return false;
}

// Nats. Both round activations to 8 bits, each in its own way: up to 0.58 apart for this small model in one
// run on an H200. So it only finds gross faults, such as a wrong layer or position.
constexpr float kApart = 1;

class GpuTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const LlamaModel> load(std::int32_t layers) {
    auto loaded = LlamaModel::load(testing::test_model_path(), layers);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded ? *loaded : nullptr;
  }
  static void SetUpTestSuite() {
    start_llama();
    if (!has_gpu()) return;
    on_gpu_ = load(-1);
    on_cpu_ = load(0);
  }
  static void TearDownTestSuite() {
    on_gpu_.reset();
    on_cpu_.reset();
  }
  void SetUp() override {
    if (!has_gpu()) GTEST_SKIP() << "no GPU";
    ASSERT_TRUE(on_gpu_ && on_cpu_);
  }

  static EngineConfig gpu_config() {
    EngineConfig config;
    config.context_tokens = 1024;
    config.gpu_layers = -1;
    return config;
  }

  std::unique_ptr<Engine> start(const std::shared_ptr<const LlamaModel>& model, const EngineConfig& config) {
    auto engine = Engine::start(model, config, clock_);
    EXPECT_TRUE(engine) << engine.error().message;
    return engine ? std::move(*engine) : nullptr;
  }

  static GenerationRequest greedy(const std::string& question, std::uint32_t max_tokens) {
    GenerationRequest request;
    request.prompt = on_gpu_->tokenize(
        "<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n", true, true);
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0;
    return request;
  }

  static std::shared_ptr<RecordingSink> send(Engine& engine, GenerationRequest request) {
    auto sink = std::make_shared<RecordingSink>();
    const auto id = engine.submit(std::move(request), sink);
    EXPECT_TRUE(id) << id.error().message;
    return sink;
  }

  static RecordingSink::ChoiceRecord answer(Engine& engine, GenerationRequest request) {
    auto sink = send(engine, std::move(request));
    sink->wait_done();
    return sink->choice();
  }

  static std::shared_ptr<const LlamaModel> on_gpu_;
  static std::shared_ptr<const LlamaModel> on_cpu_;
  SteadyClock clock_;
};

std::shared_ptr<const LlamaModel> GpuTest::on_gpu_;
std::shared_ptr<const LlamaModel> GpuTest::on_cpu_;

TEST_F(GpuTest, AnswersAsTheCpuDoes) {
  auto gpu = start(on_gpu_, gpu_config());
  EngineConfig config = gpu_config();
  config.gpu_layers = 0;
  auto cpu = start(on_cpu_, config);
  for (const std::string question :
       {"What is the capital of France?", "Name three colours.", "What is 2 + 2?", "Who wrote Hamlet?",
        "What is a cat?", "How many days has a week?"}) {
    auto request = greedy(question, 1);
    request.sampling.top_logprobs = 5;
    const auto there = answer(*gpu, request);
    const auto here = answer(*cpu, request);
    ASSERT_EQ(there.logprobs.size(), 1U);
    ASSERT_EQ(here.logprobs.size(), 1U);
    for (const auto& candidate : there.logprobs[0].top) {
      for (const auto& other : here.logprobs[0].top) {
        if (candidate.token != other.token) continue;
        EXPECT_NEAR(candidate.logprob, other.logprob, kApart) << question;
      }
    }
    EXPECT_NEAR(there.logprobs[0].chosen.logprob, here.logprobs[0].chosen.logprob, kApart) << question;
  }
  EXPECT_NE(answer(*gpu, greedy("What is the capital of France?", 24)).text.find("Paris"), std::string::npos);
}

TEST_F(GpuTest, ManyAtOnceShareABeginningAndAllFinish) {
  EngineConfig config = gpu_config();
  config.max_sequences = 64;
  config.kv_cells = 16384;
  auto engine = start(on_gpu_, config);
  const std::string beginning =
      "You are asked one question after a text. The text: the sea was calm, the ship lay at anchor, and the "
      "crew "
      "slept below while one man kept watch and counted the stars. The question: what is the capital of "
      "France? "
      "Say also the number ";
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < 64; ++i) {
    auto request = greedy(beginning + std::to_string(i) + ".", 40);
    request.ignore_eos = true;
    sinks.push_back(send(*engine, request));
  }
  for (auto& sink : sinks) {
    sink->wait_done();
    EXPECT_EQ(sink->choice().finish, FinishReason::length);
    EXPECT_EQ(sink->choice().tokens, 40U);
  }
  EXPECT_GE(engine->metrics().prefix_hits.load(), 63U);
}

TEST_F(GpuTest, ATinyCachePreemptsAndNothingIsLost) {
  EngineConfig config = gpu_config();
  config.context_tokens = 256;
  config.kv_cells = 256;
  config.max_sequences = 4;
  config.max_cached_prefixes = 0;
  auto engine = start(on_gpu_, config);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < 6; ++i) {
    auto request = greedy("Write a long story about the number " + std::to_string(i) + ".", 100);
    request.ignore_eos = true;
    sinks.push_back(send(*engine, request));
  }
  for (auto& sink : sinks) {
    sink->wait_done();
    EXPECT_EQ(sink->choice().finish, FinishReason::length);
    EXPECT_EQ(sink->choice().tokens, 100U);
  }
  EXPECT_GT(engine->metrics().preemptions.load(), 0U);
}

TEST_F(GpuTest, GuessesAreCheckedThereToo) {
  EngineConfig config = gpu_config();
  config.speculation = Speculation::prompt_lookup;
  auto engine = start(on_gpu_, config);
  auto request = greedy(
      "Repeat this text word by word, three times: one two three four five six seven eight nine ten.", 120);
  request.ignore_eos = true;
  const auto choice = answer(*engine, request);
  EXPECT_EQ(choice.tokens, 120U);
  EXPECT_GT(engine->metrics().accepted_tokens.load(), 0U);
}

TEST_F(GpuTest, DeterministicModeIsRefusedWithTheReason) {
  EngineConfig config = gpu_config();
  config.deterministic = true;
  const auto engine = Engine::start(on_gpu_, config, clock_);
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("gpu_layers"), std::string::npos) << engine.error().message;
}

}  // namespace
}  // namespace sovereign::engine
