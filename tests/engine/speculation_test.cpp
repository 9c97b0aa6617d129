// Speculation with the real model: the answers are the target's own, whatever is guessed.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "engine/decoder.h"
#include "engine/determinism.h"
#include "engine/engine.h"
#include "engine/llama_model.h"
#include "engine/recording_sink.h"
#include "engine/test_model.h"
#include "kernels/attention_kernels.h"
#include "kernels/ggml_attention.h"
#include "kernels/kernel_set.h"
#include "support/temporary_folder.h"
#include "support/test_model.h"

namespace sovereign::engine {
namespace {

constexpr std::string_view kText =
    "The harbour of Kilmore lies on the western shore. Every morning the boats leave before sunrise, and "
    "every "
    "evening they return with herring, mackerel and crab. The market opens at seven.";

std::string chat(const std::string& question) {
  return "<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n";
}

// Each look takes a microsecond, so that every step costs the same, whatever is in it, and guessing pays:
// whether anything is guessed must not depend on how busy the machine is.
class CountingClock final : public Clock {
 public:
  Time now() const override { return Time{} + std::chrono::microseconds(++looks_); }

 private:
  mutable std::atomic<std::int64_t> looks_ = 0;
};

class SpeculationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = test_model(); }
  static void TearDownTestSuite() { model_.reset(); }

  void SetUp() override {
    if (kernels::fast_kernels() == nullptr) GTEST_SKIP() << "equal bits are promised with our kernels only";
  }

  static EngineConfig config(Speculation speculation, std::uint32_t max_sequences) {
    EngineConfig config;
    config.context_tokens = 512;
    config.kv_cells = 2048;
    config.max_sequences = max_sequences;
    config.max_cached_prefixes = 4;
    config.step_token_budget = 128;
    config.threads = 1;  // two would wait for each other on a busy machine
    config.speculation = speculation;
    return config;
  }

  std::unique_ptr<Engine> start(const EngineConfig& config) {
    auto engine = Engine::start(model_, config, clock_);
    EXPECT_TRUE(engine) << engine.error().message;
    return engine ? std::move(*engine) : nullptr;
  }

  static GenerationRequest request(const std::string& question, std::uint32_t max_tokens) {
    GenerationRequest request;
    request.prompt = model_->tokenize(chat(question), true, true);
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0;
    return request;
  }

  // Quotes, edits and free answers, each with another way to choose tokens.
  static std::vector<GenerationRequest> mixed_requests() {
    const std::string text(kText);
    const std::vector<std::string> questions = {
        "Repeat this text word for word: " + text,
        "Copy the text below and replace 'boats' with 'ships'.\n\n" + text,
        "What leaves before sunrise? Quote the sentence.\n\n" + text,
        "Write three sentences about the sea.",
        "List the numbers from 1 to 20, separated by commas.",
    };
    std::vector<GenerationRequest> requests;
    for (std::uint32_t i = 0; i < questions.size(); ++i) {
      const auto add = [&](auto change) {
        auto& added = requests.emplace_back(request(questions[i], 32));
        added.sampling.seed = 100 + i;
        change(added);
      };
      add([](GenerationRequest&) {});
      add([](GenerationRequest& r) { r.sampling.temperature = 0.7F; });
      add([](GenerationRequest& r) {
        r.sampling.temperature = 0.8F;
        r.sampling.top_p = 0.9F;
        r.sampling.repeat_penalty = 1.1F;
        r.sampling.frequency_penalty = 0.2F;
      });
      add([](GenerationRequest& r) { r.sampling.top_logprobs = 2; });
      add([](GenerationRequest& r) { r.stop = {"herring", "sea", "7"}; });
      add([](GenerationRequest& r) { r.sampling.grammar.gbnf = "root ::= [A-Za-z ,.0-9']{1,120}"; });
    }
    requests.front().n = 2;
    return requests;
  }

  struct Answer {
    std::vector<RecordingSink::ChoiceRecord> choices;
  };

  static std::vector<Answer> answers(Engine& engine, const std::vector<GenerationRequest>& requests,
                                     bool at_once) {
    std::vector<std::shared_ptr<RecordingSink>> sinks;
    for (const GenerationRequest& request : requests) {
      sinks.push_back(std::make_shared<RecordingSink>());
      const auto id = engine.submit(request, sinks.back());
      EXPECT_TRUE(id) << id.error().message;
      if (!at_once) sinks.back()->wait_done();
    }
    std::vector<Answer> answers(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      sinks[i]->wait_done();
      for (std::uint32_t choice = 0; choice < requests[i].n; ++choice) {
        answers[i].choices.push_back(sinks[i]->choice(choice));
      }
    }
    return answers;
  }

  static void expect_equal(const std::vector<Answer>& ours, const std::vector<Answer>& reference) {
    ASSERT_EQ(ours.size(), reference.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      for (std::size_t choice = 0; choice < ours[i].choices.size(); ++choice) {
        const auto& a = ours[i].choices[choice];
        const auto& b = reference[i].choices[choice];
        EXPECT_EQ(a.text, b.text) << "request " << i;
        EXPECT_EQ(a.tokens, b.tokens) << "request " << i;
        EXPECT_EQ(a.finish, b.finish) << "request " << i;
        EXPECT_EQ(a.finishes, 1U);
        ASSERT_EQ(a.logprobs.size(), b.logprobs.size()) << "request " << i;
        for (std::size_t t = 0; t < a.logprobs.size(); ++t) {
          EXPECT_EQ(a.logprobs[t].chosen.token, b.logprobs[t].chosen.token);
          EXPECT_EQ(a.logprobs[t].chosen.logprob, b.logprobs[t].chosen.logprob) << "to the bit";
        }
      }
    }
  }

  static std::shared_ptr<const LlamaModel> model_;
  CountingClock clock_;
};

std::shared_ptr<const LlamaModel> SpeculationTest::model_;

TEST_F(SpeculationTest, PromptLookupGivesTheTargetsOwnAnswersInBatchesOfAnySize) {
  const auto requests = mixed_requests();
  const auto plain = start(config(Speculation::off, 1));
  const auto reference = answers(*plain, requests, false);
  EXPECT_EQ(plain->metrics().draft_tokens.load(), 0U);
  for (const std::uint32_t max_sequences : {1U, 6U}) {
    const auto engine = start(config(Speculation::prompt_lookup, max_sequences));
    expect_equal(answers(*engine, requests, true), reference);
    EXPECT_GT(engine->metrics().accepted_tokens.load(), 50U) << max_sequences << " at once";
    EXPECT_GE(engine->metrics().draft_tokens.load(), engine->metrics().accepted_tokens.load());
  }
}

TEST_F(SpeculationTest, APreemptedSequenceGoesOnAsIfNothingHadBeenGuessed) {
  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 4; ++i) {
    requests.push_back(request("Repeat this five times: red green blue " + std::to_string(i), 60));
    requests.back().ignore_eos = true;
  }
  auto roomy = config(Speculation::off, 4);
  const auto reference = answers(*start(roomy), requests, false);
  auto tight = config(Speculation::prompt_lookup, 4);
  tight.context_tokens = 128;
  tight.kv_cells = 160;
  tight.max_cached_prefixes = 0;
  const auto engine = start(tight);
  expect_equal(answers(*engine, requests, true), reference);
  EXPECT_GT(engine->metrics().preemptions.load(), 0U);
  EXPECT_GT(engine->metrics().accepted_tokens.load(), 0U);
}

TEST_F(SpeculationTest, CancelledInTheMiddleItLeavesTheCacheWhole) {
  const auto engine = start(config(Speculation::prompt_lookup, 2));
  const auto question = request("Repeat this text word for word: " + std::string(kText), 40);
  const auto before = answers(*engine, {question}, false);
  auto endless = question;
  endless.max_tokens = 300;
  endless.ignore_eos = true;
  auto sink = std::make_shared<RecordingSink>();
  const auto id = engine->submit(endless, sink);
  ASSERT_TRUE(id);
  sink->wait_tokens(10);
  engine->cancel(*id);
  EXPECT_FALSE(sink->wait_done().error);
  expect_equal(answers(*engine, {question}, false), before);
}

TEST_F(SpeculationTest, ADraftModelGivesTheTargetsOwnAnswersToo) {
  // The model itself drafts: it guesses right where the choice is greedy, and is often wrong where it is
  // drawn.
  const auto requests = mixed_requests();
  const auto reference = answers(*start(config(Speculation::off, 4)), requests, true);
  auto drafting = config(Speculation::draft, 4);
  auto engine = Engine::start(model_, drafting, clock_, model_);
  ASSERT_TRUE(engine) << engine.error().message;
  // Once its time is known it is not worth it; until then, and by probes, there are drafts.
  expect_equal(answers(**engine, requests, true), reference);
  EXPECT_GT((*engine)->metrics().accepted_tokens.load(), 0U);
}

TEST_F(SpeculationTest, ADraftModelMustBeThereAndSpeakTheSameTokens) {
  const auto refusal = [&](std::shared_ptr<const LlamaModel> draft) {
    const auto engine = Engine::start(model_, config(Speculation::draft, 2), clock_, std::move(draft));
    EXPECT_FALSE(engine);
    EXPECT_EQ(engine ? "" : engine.error().where, "engine.draft_model");
    return engine ? std::string() : engine.error().message;
  };
  EXPECT_NE(refusal(nullptr).find("engine.draft_model"), std::string::npos);

  // The same file with another text for one token.
  std::ifstream in(testing::test_model_path(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::string token = "<|im_start|>";
  for (auto at = bytes.find(token); at != std::string::npos && at < 8'000'000;
       at = bytes.find(token, at + 1)) {
    bytes[at + 2] = 'j';
  }
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "other.gguf";
  std::ofstream(path, std::ios::binary) << bytes;
  const auto other = LlamaModel::load(path, 0);
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_NE(refusal(*other).find("<|jm_start|>"), std::string::npos);
}

TEST_F(SpeculationTest, DeterministicModeGivesTheSameTokensAloneInACrowdSpeculatingAndAfterARestart) {
  auto requests = mixed_requests();
  for (GenerationRequest& request : requests) request.sampling.seed.reset();
  auto deterministic = config(Speculation::off, 1);
  deterministic.deterministic = true;
  const auto alone = answers(*start(deterministic), requests, false);
  for (const Speculation speculation : {Speculation::off, Speculation::prompt_lookup}) {
    deterministic.speculation = speculation;
    deterministic.max_sequences = 5;
    deterministic.step_token_budget = 64;  // other pieces of prompts, too
    expect_equal(answers(*start(deterministic), requests, true), alone);
  }
}

TEST_F(SpeculationTest, DeterministicModeIsRefusedWhereItCannotBeKept) {
  const auto refusal = [&](auto change) {
    EngineConfig asked = config(Speculation::off, 2);
    asked.deterministic = true;
    change(asked);
    const auto engine = Engine::start(model_, asked, clock_);
    EXPECT_FALSE(engine);
    EXPECT_EQ(engine ? "" : engine.error().where, "engine.deterministic");
    return engine ? std::string() : engine.error().message;
  };
  EXPECT_NE(refusal([](EngineConfig& c) { c.kernels = Kernels::stock; }).find("engine.kernels"),
            std::string::npos);
  EXPECT_NE(refusal([](EngineConfig& c) { c.gpu_layers = 4; }).find("engine.gpu_layers"), std::string::npos);
  EXPECT_NE(refusal([](EngineConfig& c) { c.flash_attention = false; }).find("flash_attention"),
            std::string::npos);
}

// The probe is not blind: with matrices that llama.cpp multiplies and ggml's own attention, which changes its
// method at 64 rows, it says so.
TEST_F(SpeculationTest, TheProbeSeesRowsThatDependOnTheBatch) {
  const auto stock = LlamaModel::load(testing::test_model_path(), 0, Kernels::stock);
  ASSERT_TRUE(stock) << stock.error().message;
  const EngineConfig settings = config(Speculation::off, 4);
  const auto decoder = Decoder::create(**stock, settings);
  ASSERT_TRUE(decoder) << decoder.error().message;
  kernels::use_attention(nullptr);
  const auto probed = probe_determinism(**decoder, **stock, settings);
  kernels::use_attention(kernels::fast_attention());
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().where, "engine.deterministic");

  const auto own = Decoder::create(*model_, settings);
  ASSERT_TRUE(own);
  for (int round = 0; round < 2; ++round) EXPECT_TRUE(probe_determinism(**own, *model_, settings));
}

}  // namespace
}  // namespace sovereign::engine
