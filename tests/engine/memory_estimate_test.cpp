// The estimate beside what a process really takes for the test's model.
#include "engine/memory_estimate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "engine/engine_pool.h"
#include "engine/recording_sink.h"
#include "engine/test_model.h"

namespace sovereign::engine {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif

// Resident, in bytes.
std::uint64_t resident() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == "Rss:" && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

EngineConfig small() {
  EngineConfig config;
  config.context_tokens = 512;
  config.kv_cells = 2048;
  config.max_sequences = 8;
  config.max_cached_prefixes = 8;
  config.threads = 1;
  config.prefill_chunk_tokens = config.step_token_budget;  // steps are whole, however long they take
  return config;
}

class MemoryEstimate : public ::testing::TestWithParam<const char*> {};

// What an engine of that kind takes when it has answered, over what is estimated.
TEST_P(MemoryEstimate, IsNearWhatAProcessTakes) {
  if (kInstrumented) GTEST_SKIP() << "a sanitizer's own memory would be counted";
  EngineConfig config = small();
  const std::string kind = GetParam();
  if (kind == "stock") config.kernels = Kernels::stock;
  if (kind == "large") config.kv_cells = 8192;
  if (kind == "wide") config.max_sequences = config.max_cached_prefixes = 32;
  if (kind == "pool") config.pool = 2;
  if (kind == "draft") config.speculation = Speculation::draft;
  const SteadyClock clock;
  const std::uint64_t before = resident();
  const auto model = LlamaModel::load(test_model_path(), 0, config.kernels);
  ASSERT_TRUE(model) << model.error().message;
  std::shared_ptr<const LlamaModel> draft;
  if (kind == "draft") draft = LlamaModel::load(test_model_path(), 0, config.kernels).value();
  const auto engine = start_engines(*model, config, clock, draft);
  ASSERT_TRUE(engine) << engine.error().message;
  for (std::uint32_t i = 0; i < config.pool; ++i) {
    // The buffers of a whole step are touched.
    GenerationRequest request;
    request.prompt.assign(config.context_tokens - 8, static_cast<Token>(100 + i));
    request.max_tokens = 2;
    const auto sink = std::make_shared<RecordingSink>();
    ASSERT_TRUE((*engine)->submit(std::move(request), sink));
    sink->wait_done();
  }
  const auto taken = static_cast<double>(resident() - before);
  const auto estimated =
      static_cast<double>(estimate_memory((*model)->info(), config, draft ? &draft->info() : nullptr));
  EXPECT_NEAR(estimated / taken, 1.0, 0.2) << estimated / 1e6 << " MB for " << taken / 1e6;
}

INSTANTIATE_TEST_SUITE_P(Kinds, MemoryEstimate,
                         ::testing::Values("plain", "stock", "large", "wide", "pool", "draft"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(MemoryEstimateOf, APoolGivesEachEngineAWholeSequence) {
  ModelInfo model;
  model.kv_bytes_per_token = 1000;
  EngineConfig config;
  config.context_tokens = 4096;
  config.kv_cells = 4096;
  const auto one = estimate_memory(model, config, nullptr);
  config.pool = 4;
  EXPECT_GE(estimate_memory(model, config, nullptr), one + 3ULL * 4096 * 1000);
}

}  // namespace
}  // namespace sovereign::engine
