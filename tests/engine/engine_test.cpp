// The engine with the real model: what requests get, alone and in a crowd.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <future>
#include <thread>

#include "engine/llama_model.h"
#include "engine/recording_sink.h"
#include "support/test_model.h"

namespace sovereign::engine {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto loaded = LlamaModel::load(testing::test_model_path(), 0);
    ASSERT_TRUE(loaded) << loaded.error().message;
    model_ = *loaded;
  }
  static void TearDownTestSuite() { model_.reset(); }

  static EngineConfig small_config() {
    EngineConfig config;
    config.context_tokens = 512;
    config.kv_cells = 1024;
    config.max_sequences = 4;
    config.max_cached_prefixes = 4;
    config.step_token_budget = 128;
    return config;
  }

  // Shapes for which llama.cpp's flash attention gives the same bits whatever else is in the batch: under
  // 64 rows it works row by row, and under 512 cells a lone row is not split between threads.
  static EngineConfig exact_config() {
    EngineConfig config = small_config();
    config.context_tokens = 128;
    config.kv_cells = 256;
    config.step_token_budget = 48;
    return config;
  }

  std::unique_ptr<Engine> start(const EngineConfig& config) {
    auto engine = Engine::start(model_, config, clock_);
    EXPECT_TRUE(engine) << engine.error().message;
    return engine ? std::move(*engine) : nullptr;
  }

  static GenerationRequest greedy(std::string_view prompt, std::uint32_t max_tokens) {
    GenerationRequest request;
    request.prompt = model_->tokenize(prompt, true, true);
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0;
    return request;
  }

  static std::string chat(const std::string& question) {
    return "<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n";
  }

  std::string answer(Engine& engine, GenerationRequest request) {
    auto sink = std::make_shared<RecordingSink>();
    const auto id = engine.submit(std::move(request), sink);
    EXPECT_TRUE(id) << id.error().message;
    sink->wait_done();
    return sink->choice().text;
  }

  static std::shared_ptr<const LlamaModel> model_;
  SteadyClock clock_;
};

std::shared_ptr<const LlamaModel> EngineTest::model_;

TEST_F(EngineTest, AnswersAQuestion) {
  auto engine = start(small_config());
  const std::string text = answer(*engine, greedy(chat("What is the capital of France?"), 24));
  EXPECT_NE(text.find("Paris"), std::string::npos) << text;
}

TEST_F(EngineTest, TheSameRequestGivesTheSameTextAloneInACrowdAndFromAKeptPrefix) {
  auto engine = start(exact_config());
  const std::vector<std::string> questions = {"Name three colours.", "What is 2 + 2?", "Who wrote Hamlet?",
                                              "Write one sentence about the sea.", "What is a cat?"};
  std::vector<std::string> alone;
  for (const auto& question : questions) alone.push_back(answer(*engine, greedy(chat(question), 20)));

  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (const auto& question : questions) {
    sinks.push_back(std::make_shared<RecordingSink>());
    ASSERT_TRUE(engine->submit(greedy(chat(question), 20), sinks.back()));
  }
  for (std::size_t i = 0; i < questions.size(); ++i) {
    sinks[i]->wait_done();
    EXPECT_EQ(sinks[i]->choice().text, alone[i]) << questions[i];
  }
  EXPECT_GT(engine->metrics().prefix_hits.load(), 0U);
}

TEST_F(EngineTest, ATinyCachePreemptsAndTheTextsAreStillThoseOfALargeOne) {
  auto config = exact_config();
  config.max_cached_prefixes = 0;
  auto roomy = start(config);  // for one at a time
  config.kv_cells = 160;
  auto tight = start(config);

  std::vector<GenerationRequest> requests;
  for (int i = 0; i < 4; ++i) {
    requests.push_back(greedy(chat("Write a long story about the number " + std::to_string(i) + "."), 60));
    requests.back().ignore_eos = true;
  }
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (const auto& request : requests) {
    sinks.push_back(std::make_shared<RecordingSink>());
    ASSERT_TRUE(tight->submit(request, sinks.back()));
  }
  for (auto& sink : sinks) sink->wait_done();
  EXPECT_GT(tight->metrics().preemptions.load(), 0U);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(sinks[i]->choice().tokens, 60U);
    EXPECT_EQ(sinks[i]->choice().finish, FinishReason::length);
    EXPECT_EQ(sinks[i]->choice().text, answer(*roomy, requests[i]));
  }
}

TEST_F(EngineTest, SeveralChoicesComeFromOnePromptAndDifferBySeed) {
  auto engine = start(small_config());
  auto request = greedy(chat("Tell me a joke."), 16);
  request.sampling.temperature = 1;
  request.sampling.seed = 7;
  request.n = 3;
  const auto prompt_tokens = static_cast<std::uint32_t>(request.prompt.size());
  std::vector<std::string> first;
  for (int round = 0; round < 2; ++round) {
    const auto prefill_before = engine->metrics().prefill_tokens.load();
    auto sink = std::make_shared<RecordingSink>();
    ASSERT_TRUE(engine->submit(request, sink));
    const GenerationSummary summary = sink->wait_done();
    std::vector<std::string> texts;
    for (std::uint32_t choice = 0; choice < 3; ++choice) {
      EXPECT_EQ(sink->choice(choice).finishes, 1U);
      texts.push_back(sink->choice(choice).text);
    }
    EXPECT_EQ(summary.prompt_tokens, prompt_tokens);
    EXPECT_NE(texts[0], texts[1]);
    EXPECT_NE(texts[1], texts[2]);
    if (round == 0) {
      EXPECT_LT(engine->metrics().prefill_tokens.load() - prefill_before, prompt_tokens);
      first = texts;
    } else {
      EXPECT_EQ(texts, first) << "a seed gives the same choices again";
    }
  }
}

TEST_F(EngineTest, ACancelledRequestEndsOnceAndFreesItsSlot) {
  auto config = small_config();
  config.max_sequences = 1;
  auto engine = start(config);
  auto request = greedy(chat("Count to one thousand."), 400);
  request.ignore_eos = true;
  auto sink = std::make_shared<RecordingSink>();
  const auto id = engine->submit(request, sink);
  ASSERT_TRUE(id);
  sink->wait_tokens(3);
  engine->cancel(*id);
  engine->cancel(*id);
  sink->wait_done();
  EXPECT_EQ(sink->choice().finish, FinishReason::cancelled);
  EXPECT_LT(sink->choice().tokens, 400U);

  EXPECT_FALSE(answer(*engine, greedy(chat("Hello"), 4)).empty()) << "the only slot is free again";
  EXPECT_EQ(sink->dones(), 1U);
  EXPECT_EQ(engine->metrics().requests_cancelled.load(), 1U);
}

TEST_F(EngineTest, ADeadlineEndsARequest) {
  auto engine = start(small_config());
  auto request = greedy(chat("Count to one thousand."), 400);
  request.ignore_eos = true;
  request.deadline = clock_.now() + std::chrono::milliseconds(150);
  auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(engine->submit(request, sink));
  sink->wait_done();
  EXPECT_EQ(sink->choice().finish, FinishReason::deadline);
}

TEST_F(EngineTest, TheQueueIsBounded) {
  auto config = small_config();
  config.max_sequences = 1;
  config.max_queued = 2;
  auto engine = start(config);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  std::vector<RequestId> ids;
  bool refused = false;
  for (int i = 0; i < 4; ++i) {
    auto request = greedy(chat("Count to one thousand."), 300);
    request.ignore_eos = true;
    sinks.push_back(std::make_shared<RecordingSink>());
    const auto id = engine->submit(request, sinks.back());
    if (id) {
      ids.push_back(*id);
    } else {
      EXPECT_EQ(id.error().code, ErrorCode::resource_exhausted);
      refused = true;
    }
  }
  EXPECT_TRUE(refused);
  for (const RequestId id : ids) engine->cancel(id);
  for (std::size_t i = 0; i < ids.size(); ++i) sinks[i]->wait_done();
  EXPECT_GE(engine->metrics().requests_refused.load(), 1U);
}

TEST_F(EngineTest, WhatCannotBeServedIsRefusedWithAReason) {
  auto engine = start(small_config());
  const auto refuse = [&](GenerationRequest request) {
    const auto id = engine->submit(std::move(request), std::make_shared<RecordingSink>());
    EXPECT_FALSE(id);
    return id ? Error{} : id.error();
  };
  auto request = greedy("x", 4);
  request.prompt.assign(512, request.prompt.front());
  EXPECT_NE(refuse(request).message.find("512"), std::string::npos);
  request.prompt = {};
  EXPECT_EQ(refuse(request).code, ErrorCode::invalid_argument);
  request.prompt = {1'000'000};
  EXPECT_EQ(refuse(request).code, ErrorCode::invalid_argument);
  request = greedy("x", 4);
  request.sampling.grammar.gbnf = "root ::= (";
  EXPECT_EQ(refuse(request).code, ErrorCode::invalid_argument);
  engine->drain();
  EXPECT_EQ(refuse(greedy("x", 4)).code, ErrorCode::unavailable);
  EXPECT_TRUE(engine->idle());
}

TEST_F(EngineTest, AFullContextEndsWithLength) {
  auto config = small_config();
  config.context_tokens = 64;
  auto engine = start(config);
  auto request = greedy(chat("Count to one thousand."), 0);
  request.ignore_eos = true;
  const auto room = 64 - static_cast<std::uint32_t>(request.prompt.size());
  auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(engine->submit(request, sink));
  EXPECT_EQ(sink->wait_done().completion_tokens, room);
  EXPECT_EQ(sink->choice().finish, FinishReason::length);
}

TEST_F(EngineTest, AStopStringIsNotPartOfTheText) {
  auto engine = start(small_config());
  const std::string whole = answer(*engine, greedy(chat("What is the capital of France?"), 24));
  const auto at = whole.find("Paris");
  ASSERT_NE(at, std::string::npos);
  auto request = greedy(chat("What is the capital of France?"), 24);
  request.stop = {"Paris"};
  EXPECT_EQ(answer(*engine, request), whole.substr(0, at));
}

TEST_F(EngineTest, LogprobsAreThoseOfTheTokensGiven) {
  auto engine = start(small_config());
  auto request = greedy(chat("What is the capital of France?"), 8);
  request.sampling.top_logprobs = 3;
  auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(engine->submit(request, sink));
  sink->wait_done();
  const auto choice = sink->choice();
  ASSERT_EQ(choice.logprobs.size(), choice.tokens);
  std::string bytes;
  for (const TokenLogprob& token : choice.logprobs) {
    bytes += token.chosen.bytes;
    ASSERT_EQ(token.top.size(), 3U);
    EXPECT_EQ(token.top[0].token, token.chosen.token) << "greedy takes the best";
    EXPECT_GE(token.top[0].logprob, token.top[1].logprob);
    EXPECT_LE(token.chosen.logprob, 0);
  }
  EXPECT_EQ(bytes, choice.text);
}

TEST_F(EngineTest, StoppingTheEngineEndsEveryRequest) {
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  {
    auto engine = start(small_config());
    for (int i = 0; i < 6; ++i) {
      auto request = greedy(chat("Count to one thousand."), 400);
      request.ignore_eos = true;
      sinks.push_back(std::make_shared<RecordingSink>());
      ASSERT_TRUE(engine->submit(request, sinks.back()));
    }
    sinks[0]->wait_tokens(2);
  }
  for (auto& sink : sinks) {
    EXPECT_EQ(sink->dones(), 1U);
    EXPECT_EQ(sink->choice().finish, FinishReason::cancelled);
  }
}

TEST_F(EngineTest, ManyThreadsSubmitAndCancelAtOnce) {
  auto engine = start(small_config());
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<RecordingSink>> sinks(24);
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    sinks[i] = std::make_shared<RecordingSink>();
    threads.emplace_back([&, i] {
      const auto id = engine->submit(greedy(chat("Say " + std::to_string(i % 5)), 6), sinks[i]);
      if (!id) {
        ++refused;
      } else if (i % 3 == 0) {
        engine->cancel(*id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused.load(), 0);
  for (auto& sink : sinks) sink->wait_done();
  EXPECT_TRUE(engine->metrics().requests_accepted.load() == sinks.size());
}

TEST_F(EngineTest, EmbeddingsNeedAModelOrASettingForThem) {
  auto plain = start(small_config());
  GenerationRequest hello;
  hello.prompt = model_->tokenize("hello", true, false);
  hello.embed = true;
  const auto refused = plain->submit(hello, std::make_shared<RecordingSink>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);

  auto config = small_config();
  config.embedding_pooling = EmbeddingPooling::mean;
  auto engine = start(config);
  const auto embed = [&](std::string_view text) {
    GenerationRequest request;
    request.prompt = model_->tokenize(text, true, false);
    request.embed = true;
    const auto sink = std::make_shared<RecordingSink>();
    EXPECT_TRUE(engine->submit(std::move(request), sink));
    sink->wait_done();
    return sink->embedding();
  };
  const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  };
  const auto cat = embed("The cat sat on the mat.");
  EXPECT_EQ(cat.size(), model_->info().embedding_size);
  EXPECT_NEAR(dot(cat, cat), 1.0, 1e-5);
  EXPECT_GT(dot(cat, embed("A cat is sitting on a mat.")),
            dot(cat, embed("Interest rates rose by 2 % in 1987.")));
}

// They were all computed before the next step, outside of any bound: streams stood still meanwhile.
TEST_F(EngineTest, EmbeddingsAreQueuedCancelledAndDoNotHoldUpStreams) {
  auto config = small_config();
  config.embedding_pooling = EmbeddingPooling::mean;
  config.max_queued = 8;
  auto engine = start(config);
  const auto embed = [&](std::optional<Time> deadline = {}) {
    GenerationRequest request;
    request.prompt = model_->tokenize("The cat sat on the mat.", true, false);
    request.embed = true;
    request.deadline = deadline;
    return request;
  };
  // The engine's thread stands still at its first token, until all have been submitted.
  std::atomic<bool> go{false};
  const auto stream = std::make_shared<RecordingSink>([&] { go.wait(false); });
  ASSERT_TRUE(engine->submit(greedy("Once upon a time", 40), stream));
  stream->wait_tokens(1);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  std::vector<RequestId> ids;
  std::vector<std::uint32_t> tokens_before;  // of the stream, at each embedding; on the engine's thread
  for (std::uint32_t i = 0; i < config.max_queued; ++i) {
    const bool ends_early = i == 2 || i == 7;
    sinks.push_back(ends_early ? std::make_shared<RecordingSink>() : std::make_shared<RecordingSink>([&] {
      tokens_before.push_back(stream->choice().tokens);
    }));
    const auto id =
        engine->submit(embed(i == 2 ? std::optional<Time>(clock_.now()) : std::nullopt), sinks.back());
    ASSERT_TRUE(id) << id.error().message;
    ids.push_back(*id);
  }
  const auto refused = engine->submit(embed(), std::make_shared<RecordingSink>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  engine->cancel(ids[7]);
  go = true;
  go.notify_all();
  for (const auto& sink : sinks) sink->wait_done();
  for (const std::size_t i : {0, 1, 3, 4, 5, 6}) {
    EXPECT_EQ(sinks[i]->embedding().size(), model_->info().embedding_size);
    EXPECT_EQ(sinks[i]->choice().finish, FinishReason::stop);
  }
  EXPECT_EQ(sinks[2]->choice().finish, FinishReason::deadline);
  EXPECT_EQ(sinks[7]->choice().finish, FinishReason::cancelled);
  stream->wait_done();
  EXPECT_EQ(stream->choice().tokens, 40U);
  while (!engine->idle()) std::this_thread::yield();  // on_done() comes a moment before
  ASSERT_EQ(tokens_before.size(), 6U);
  EXPECT_GT(tokens_before[1], tokens_before[0]) << "steps between two embeddings";
  for (std::size_t i = 2; i < tokens_before.size(); ++i) {
    EXPECT_TRUE(tokens_before[i] > tokens_before[i - 1] || tokens_before[i] == 40U);
  }
}

// A watchdog's figure, by a clock that the test moves while the engine's thread is held in a sink.
TEST_F(EngineTest, AnEngineThatStandsStillSaysForHowLong) {
  ManualClock clock;
  clock.advance(std::chrono::seconds(1));
  auto made = Engine::start(model_, small_config(), clock);
  ASSERT_TRUE(made);
  Engine& engine = **made;
  EXPECT_EQ(engine.stalled_for(clock.now()), Duration::zero()) << "idle";
  std::atomic<bool> go{false};
  const auto sink = std::make_shared<RecordingSink>([&] { go.wait(false); });
  ASSERT_TRUE(engine.submit(greedy("Once upon a time", 2), sink));
  sink->wait_tokens(1);
  EXPECT_EQ(engine.stalled_for(clock.now()), Duration::zero());
  clock.advance(std::chrono::seconds(40));
  EXPECT_EQ(engine.stalled_for(clock.now()), std::chrono::seconds(40));
  go = true;
  go.notify_all();
  sink->wait_done();
}

TEST_F(EngineTest, AConfigurationThatCannotWorkIsRefused) {
  auto config = small_config();
  config.kv_cells = 100;
  const auto engine = Engine::start(model_, config, clock_);
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().where, "engine.kv_cells");
}

}  // namespace
}  // namespace sovereign::engine
