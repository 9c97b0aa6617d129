// The real model, multiplied by our kernels inside llama.cpp.
#include "kernels/ggml_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "bench/suites/kernel_models.h"
#include "kernels/test_context.h"
#include "support/temporary_folder.h"

namespace sovereign::kernels {
namespace {

std::string text() {
  std::ifstream file(SOVEREIGN_PERPLEXITY_TEXT);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

const KernelSet* best() { return fast_kernels() != nullptr ? fast_kernels() : &reference_kernels(); }

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<llama_token> first(std::vector<llama_token> tokens, std::size_t count) {
  EXPECT_GE(tokens.size(), count);
  tokens.resize(count);
  return tokens;
}

TEST(GgmlWeights, OnlyAnOfferPutsWeightsIntoPanels) {
  if (!can_offer()) GTEST_SKIP() << "the system's llama.cpp";
  ASSERT_EQ(panel_bytes_in_use(), 0U);
  {
    const TestContext stock(nullptr);
    EXPECT_EQ(panel_bytes_in_use(), 0U);
    const TestContext ours(best());
    // All quantized matrices and the output head, 96.6 MB of the file.
    EXPECT_GT(panel_bytes_in_use(), 90'000'000U);
    EXPECT_LT(panel_bytes_in_use(), 100'000'000U);
  }
  EXPECT_EQ(panel_bytes_in_use(), 0U);
}

TEST(GgmlWeights, TheGraphIsNotSplit) {
  std::string log;
  llama_log_set([](ggml_log_level, const char* line, void* to) { *static_cast<std::string*>(to) += line; },
                &log);
  { const TestContext ours(best()); }
  llama_log_set(nullptr, nullptr);
  EXPECT_NE(log.find(", splits = 1,"), std::string::npos) << log;
}

void expect_same_logits_however_cut(llama_flash_attn_type flash) {
  TestContext one(best(), 1, flash);
  const std::vector<llama_token> tokens = first(one.tokens_of(text()), 150);
  const std::vector<float> whole = one.logits_of(tokens, tokens.size());
  for (const std::size_t chunk : {1, 7, 64, 100}) {
    EXPECT_TRUE(same_bits(one.logits_of(tokens, chunk), whole)) << "chunks of " << chunk;
  }
  for (const int threads : {2, 3}) {
    TestContext several(best(), threads, flash);
    EXPECT_TRUE(same_bits(several.logits_of(tokens, tokens.size()), whole)) << threads << " threads";
  }
}

TEST(GgmlWeights, LogitsDoNotDependOnChunksNorThreads) {
  expect_same_logits_however_cut(LLAMA_FLASH_ATTN_TYPE_DISABLED);
}

TEST(GgmlAttention, LogitsDoNotDependOnChunksNorThreads) {
  if (fast_attention() == nullptr) GTEST_SKIP() << "ggml's own attention, which depends on chunks";
  expect_same_logits_however_cut(LLAMA_FLASH_ATTN_TYPE_ENABLED);
}

double mean_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// Roundings of two ways through thirty layers are unrelated, so ggml's own flash attention says how far from
// plain attention a right one may come out.
TEST(GgmlAttention, IsAsNearToPlainAttentionAsGgmls) {
  if (!can_offer()) GTEST_SKIP() << "the system's llama.cpp";
  TestContext ours(best(), 1, LLAMA_FLASH_ATTN_TYPE_ENABLED);
  TestContext ggmls(best(), 1, LLAMA_FLASH_ATTN_TYPE_ENABLED);
  ggmls.attend_with(nullptr);
  TestContext plain(best(), 1, LLAMA_FLASH_ATTN_TYPE_DISABLED);
  const std::vector<llama_token> tokens = first(ours.tokens_of(text()), 400);
  const std::vector<double> expected = losses(plain.logits_of(tokens, 400), tokens);
  const double of_ours = mean_distance(losses(ours.logits_of(tokens, 400), tokens), expected);
  const double of_ggmls = mean_distance(losses(ggmls.logits_of(tokens, 400), tokens), expected);
  RecordProperty("ours", std::to_string(of_ours));
  RecordProperty("ggmls", std::to_string(of_ggmls));
  EXPECT_LT(of_ours, 1.25 * of_ggmls);
}

TEST(GgmlWeights, GreedyTextIsTheSameAloneAndInACrowd) {
  TestContext context(best(), 1, LLAMA_FLASH_ATTN_TYPE_ENABLED);
  const std::vector<llama_token> prompt = first(context.tokens_of(text()), 20);
  const auto generate = [&](int crowd) {
    context.clear();
    std::vector<TestContext::Row> rows;
    for (int s = 1; s <= crowd; ++s) {
      rows.clear();
      for (int i = 0; i < 3 + s; ++i) rows.push_back({1000 + 37 * s + i, i, s});
      context.decode(rows);
    }
    rows.clear();
    for (std::size_t i = 0; i < prompt.size(); ++i) rows.push_back({prompt[i], static_cast<int>(i), 0});
    std::vector<float> logits = context.decode(rows);
    std::vector<llama_token> generated;
    const auto vocabulary = static_cast<std::ptrdiff_t>(context.vocabulary());
    for (int step = 0; step < 16; ++step) {
      const auto largest = std::max_element(logits.end() - vocabulary, logits.end());
      generated.push_back(static_cast<llama_token>(largest - (logits.end() - vocabulary)));
      rows.clear();
      for (int s = 1; s <= crowd; ++s) rows.push_back({500 + 7 * s + step, 3 + s + step, s});
      rows.push_back({generated.back(), static_cast<int>(prompt.size()) + step, 0});
      logits = context.decode(rows);
    }
    logits.erase(logits.begin(), logits.end() - vocabulary);
    return std::pair(generated, logits);
  };
  const auto alone = generate(0);
  for (const int crowd : {3, 15}) {
    const auto together = generate(crowd);
    EXPECT_EQ(together.first, alone.first) << crowd << " others";
    EXPECT_TRUE(same_bits(together.second, alone.second)) << crowd << " others";
  }
}

// What CPUs with fewer instructions than this one would compute, down to none of ours.
TEST(GgmlWeights, EveryInstructionSetGivesTheSameLogits) {
  TestContext reference(&reference_kernels(), 1, LLAMA_FLASH_ATTN_TYPE_ENABLED);
  reference.attend_with(&reference_attention());
  const std::vector<llama_token> tokens = first(reference.tokens_of(text()), 4);
  const std::vector<float> expected = reference.logits_of(tokens, 4);
  for (const KernelSet* kernels : supported_kernels().subspan(1)) {
    TestContext context(kernels, 1, LLAMA_FLASH_ATTN_TYPE_ENABLED);
    for (const AttentionKernels* attention : supported_attention()) {
      context.attend_with(attention);
      EXPECT_TRUE(same_bits(context.logits_of(tokens, 4), expected))
          << kernels->name << ", attention " << attention->name;
    }
  }
}

// A prompt that fills tiles and blocks of attention, on what CPUs would take that have some of our kernels.
TEST(GgmlWeights, FastInstructionSetsGiveTheSameLogitsOfAPrompt) {
  if (!can_offer()) GTEST_SKIP() << "the system's llama.cpp";
  std::vector<float> expected;
  for (const KernelSet* kernels : supported_kernels().subspan(1)) {
    TestContext context(kernels, 2, LLAMA_FLASH_ATTN_TYPE_ENABLED);
    const std::vector<llama_token> tokens = first(context.tokens_of(text()), 150);
    for (const AttentionKernels* attention : supported_attention()) {
      if (attention == &reference_attention()) continue;
      context.attend_with(attention);
      const std::vector<float> logits = context.logits_of(tokens, 150);
      if (expected.empty()) expected = logits;
      EXPECT_TRUE(same_bits(logits, expected)) << kernels->name << ", attention " << attention->name;
    }
  }
}

// K types take rows of whole blocks of 256, so a made-up model has them.
class KTypes : public ::testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path model() {
    const auto made =
        bench::made_up_model(sovereign::testing::test_model_path(), folder_.path(), GetParam(),
                             {.layers = 3, .width = 512, .heads = 8, .key_heads = 2, .inner = 768});
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }

 private:
  const sovereign::testing::TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(GgmlWeights, KTypes, ::testing::Values("Q4_K", "Q5_K", "Q6_K"),
                         [](const auto& each) { return std::string(each.param); });

TEST_P(KTypes, AModelOfThemGivesStocksLogitsAndTheSameBitsHoweverCut) {
  if (!can_offer()) GTEST_SKIP() << "the system's llama.cpp";
  constexpr std::size_t kTokens = 40;
  TestContext ours(best(), 2, LLAMA_FLASH_ATTN_TYPE_ENABLED, model());
  EXPECT_GT(panel_bytes_in_use(), 15'000'000U) << "its matrices are in panels";
  TestContext stock(nullptr, 2, LLAMA_FLASH_ATTN_TYPE_ENABLED, model());
  const std::vector<llama_token> tokens = first(ours.tokens_of(text()), kTokens);
  const std::vector<float> whole = ours.logits_of(tokens, kTokens);
  for (const std::size_t chunk : {1, 7}) {
    EXPECT_TRUE(same_bits(ours.logits_of(tokens, chunk), whole)) << "chunks of " << chunk;
  }
  const std::vector<float> expected = stock.logits_of(tokens, kTokens);
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    error += std::pow(static_cast<double>(whole[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  // Both round activations to 8 bits, stock with one scale for 256 of them; through random layers that comes
  // to 4 % of the logits. Wrong products would share nothing with stock's.
  EXPECT_LT(std::sqrt(error / size), 0.06);
}

// Both sides round activations to 8 bits, and after thirty layers their roundings are unrelated: the
// difference of the losses at one position is chance, about 0.1. So what a text of this length can show is
// that its mean is not beyond 0.1 % of perplexity by more than chance explains (three standard errors).
TEST(GgmlWeights, PerplexityIsThatOfStock) {
  TestContext ours(best());
  TestContext stock(nullptr);
  const std::vector<llama_token> tokens = first(ours.tokens_of(text()), 400);
  const std::vector<double> of_ours = losses(ours.logits_of(tokens, 400), tokens);
  const std::vector<double> of_stock = losses(stock.logits_of(tokens, 400), tokens);
  const auto count = static_cast<double>(of_ours.size());
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < of_ours.size(); ++i) {
    const double difference = of_ours[i] - of_stock[i];
    sum += difference;
    squares += difference * difference;
  }
  const double mean = sum / count;
  const double standard_error = std::sqrt((squares / count - mean * mean) / count);
  RecordProperty("log_perplexity_ratio", std::to_string(mean));
  RecordProperty("standard_error", std::to_string(standard_error));
  EXPECT_LT(standard_error, 0.02);  // else the two have little in common
  EXPECT_LT(std::abs(mean), std::log(1.001) + 3 * standard_error) << mean << " +- " << standard_error;
}

}  // namespace
}  // namespace sovereign::kernels
