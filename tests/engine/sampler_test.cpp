#include "engine/sampler.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "engine/chat_format.h"
#include "engine/test_model.h"

namespace sovereign::engine {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

using Row = std::vector<float>;

Row flat_row(float value = -kInf) { return Row(test_model()->info().vocabulary_size, value); }

Row normal_row(unsigned seed, float spread = 3) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0, spread);
  Row row = flat_row();
  for (float& x : row) x = normal(rng);
  return row;
}

std::unique_ptr<Sampler> make(const SamplingParams& params, const std::vector<Token>& prompt = {}) {
  auto sampler = Sampler::create(*test_model(), params, prompt);
  if (!sampler) throw std::runtime_error(sampler.error().message);
  return std::move(*sampler);
}

// The tokens that llama.cpp's own samplers keep, with their probabilities at the temperature.
std::map<Token, double> llama_distribution(const Row& row, const SamplingParams& params) {
  std::vector<llama_token_data> data;
  for (std::size_t i = 0; i < row.size(); ++i) data.push_back({static_cast<Token>(i), row[i], 0});
  llama_token_data_array array{data.data(), data.size(), -1, false};
  llama_sampler* chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
  if (params.top_k > 0) llama_sampler_chain_add(chain, llama_sampler_init_top_k(params.top_k));
  if (params.typical_p < 1) llama_sampler_chain_add(chain, llama_sampler_init_typical(params.typical_p, 0));
  if (params.top_p < 1) llama_sampler_chain_add(chain, llama_sampler_init_top_p(params.top_p, 0));
  if (params.min_p > 0) llama_sampler_chain_add(chain, llama_sampler_init_min_p(params.min_p, 0));
  llama_sampler_chain_add(chain, llama_sampler_init_temp(params.temperature));
  llama_sampler_apply(chain, &array);
  llama_sampler_free(chain);
  float max = -kInf;
  for (std::size_t i = 0; i < array.size; ++i) max = std::max(max, array.data[i].logit);
  double mass = 0;
  std::map<Token, double> probabilities;
  for (std::size_t i = 0; i < array.size; ++i) {
    const double weight = std::exp(static_cast<double>(array.data[i].logit - max));
    if (weight > 0) probabilities[array.data[i].id] = weight;
    mass += weight;
  }
  for (auto& [token, p] : probabilities) p /= mass;
  return probabilities;
}

// Pearson's chi-square of draws against probabilities, tokens expected fewer than 8 times pooled, as a
// number of standard deviations (Wilson-Hilferty): about normal when the draws are right.
double chi_square_deviations(Sampler& sampler, Row row, const std::map<Token, double>& expected, int draws) {
  std::map<Token, int> counts;
  for (int i = 0; i < draws; ++i) {
    const Token token = sampler.sample(row);
    EXPECT_TRUE(expected.contains(token)) << token;
    ++counts[token];
  }
  double statistic = 0;
  double pooled_expected = 0;
  double pooled_count = 0;
  int bins = 0;
  const auto add = [&](double count, double mean) {
    statistic += (count - mean) * (count - mean) / mean;
    ++bins;
  };
  for (const auto& [token, p] : expected) {
    const double mean = p * draws;
    if (mean >= 8) {
      add(counts[token], mean);
    } else {
      pooled_expected += mean;
      pooled_count += counts[token];
    }
  }
  if (pooled_expected >= 8) add(pooled_count, pooled_expected);
  const double freedom = bins - 1;
  if (freedom < 1) return 0;
  return (std::cbrt(statistic / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
}

class SamplerDistributionTest : public ::testing::TestWithParam<SamplingParams> {};

TEST_P(SamplerDistributionTest, IsThatOfLlamaCpp) {
  SamplingParams params = GetParam();
  params.seed = 4711;
  const Row row = normal_row(17, 4);
  // Sorting the whole vocabulary takes milliseconds a draw.
  const int draws = params.typical_p < 1 && params.top_k <= 0 ? 200 : 3000;
  auto sampler = make(params);
  EXPECT_LT(std::abs(chi_square_deviations(*sampler, row, llama_distribution(row, params), draws)), 4.0);
}

Grammar lazy(const std::string& gbnf, const std::vector<std::string>& triggers) {
  Grammar grammar;
  grammar.gbnf = gbnf;
  grammar.lazy = true;
  grammar.trigger_patterns = triggers;
  return grammar;
}

SamplingParams with(const std::function<void(SamplingParams&)>& change) {
  SamplingParams params;
  change(params);
  return params;
}

INSTANTIATE_TEST_SUITE_P(
    Parameters, SamplerDistributionTest,
    ::testing::Values(with([](auto&) {}), with([](auto& p) { p.temperature = 0.3F; }),
                      with([](auto& p) { p.temperature = 2.0F; }), with([](auto& p) { p.top_k = 40; }),
                      with([](auto& p) { p.top_k = 2000; }), with([](auto& p) { p.top_p = 0.9F; }),
                      with([](auto& p) { p.top_p = 0.3F; }), with([](auto& p) { p.min_p = 0.05F; }),
                      with([](auto& p) { p.typical_p = 0.7F; }),
                      with([](auto& p) { p.top_k = 50, p.typical_p = 0.8F; }), with([](auto& p) {
                        p.top_k = 40, p.top_p = 0.8F, p.min_p = 0.1F, p.temperature = 0.8F;
                      })));

TEST(SamplerTest, GreedyTakesTheLargestAndLeavesTheRowAlone) {
  const Row row = normal_row(1);
  Row copy = row;
  for (const SamplingParams& params :
       {with([](auto& p) { p.temperature = 0; }), with([](auto& p) { p.top_k = 1; }),
        with([](auto& p) { p.temperature = -1; })}) {
    EXPECT_EQ(make(params)->sample(copy), argmax_reference(row));
  }
  EXPECT_EQ(copy, row);
}

TEST(SamplerTest, TheSameSeedGivesTheSameTokens) {
  SamplingParams params;
  params.seed = 99;
  auto first = make(params);
  auto second = make(params);
  params.seed = 100;
  auto other = make(params);
  bool differs = false;
  for (unsigned step = 0; step < 100; ++step) {
    Row row = normal_row(step, 1);
    const Token token = first->sample(row);
    EXPECT_EQ(second->sample(row), token);
    differs |= other->sample(row) != token;
  }
  EXPECT_TRUE(differs);
}

TEST(SamplerTest, BiasMovesAndBansTokens) {
  Row row = normal_row(2);
  const Row before = row;
  const Token best = argmax_reference(row);
  SamplingParams params;
  params.temperature = 0;
  params.logit_bias = {{best, -kInf}};
  const Token second = make(params)->sample(row);
  EXPECT_NE(second, best);
  params.logit_bias = {{123, 100.0F}, {123, -1.0F}};
  EXPECT_EQ(make(params)->sample(row), 123);
  params.temperature = 1;
  params.logit_bias = {{123, 100.0F}};
  EXPECT_EQ(make(params)->sample(row), 123);
  EXPECT_EQ(row, before);
}

TEST(SamplerTest, PenaltiesFollowLlamaCpp) {
  SamplingParams params;
  params.temperature = 0;
  params.repeat_penalty = 1.3F;
  params.frequency_penalty = 0.4F;
  params.presence_penalty = 0.7F;
  params.penalty_last_n = 8;
  const std::vector<Token> prompt = {5, 6, 7, 5, 5, 9, 1, 2, 3, 4};
  auto sampler = make(params, prompt);
  llama_sampler* theirs =
      llama_sampler_init_penalties(static_cast<std::int32_t>(flat_row().size()), 8, 1.3F, 0.4F, 0.7F);
  for (const Token token : prompt) llama_sampler_accept(theirs, token);
  for (unsigned step = 0; step < 60; ++step) {
    // A row of a few close candidates, so that penalties decide.
    Row row = flat_row(-20);
    std::mt19937 rng(step);
    for (std::size_t token = 0; token < 12; ++token) row[token] = static_cast<float>(rng() % 1000) / 400 - 1;
    std::vector<llama_token_data> data;
    for (std::size_t i = 0; i < row.size(); ++i) data.push_back({static_cast<Token>(i), row[i], 0});
    llama_token_data_array array{data.data(), data.size(), -1, false};
    llama_sampler_apply(theirs, &array);
    Row penalized(row.size());
    for (const llama_token_data& candidate : data)
      penalized[static_cast<std::size_t>(candidate.id)] = candidate.logit;
    const Row before = row;
    const Token token = sampler->sample(row);
    EXPECT_EQ(token, argmax_reference(penalized)) << step;
    EXPECT_EQ(row, before);
    llama_sampler_accept(theirs, token);
  }
  llama_sampler_free(theirs);
}

TEST(SamplerTest, LogprobsAreTheModelsOwn) {
  Row row = flat_row();
  row[10] = std::log(0.5F);
  row[11] = std::log(0.3F);
  row[12] = std::log(0.2F);
  SamplingParams params;
  params.temperature = 0;
  params.logit_bias = {{12, 50.0F}};
  EXPECT_EQ(make(params)->sample(row), 12);
  EXPECT_FALSE(make(params)->logprob().has_value());
  params.top_logprobs = 2;
  auto sampler = make(params);
  EXPECT_EQ(sampler->sample(row), 12);
  const auto& logprob = sampler->logprob();
  ASSERT_TRUE(logprob.has_value());
  EXPECT_EQ(logprob->chosen.token, 12);
  EXPECT_NEAR(logprob->chosen.logprob, std::log(0.2F), 1e-5);
  ASSERT_EQ(logprob->top.size(), 2U);
  EXPECT_EQ(logprob->top[0].token, 10);
  EXPECT_NEAR(logprob->top[0].logprob, std::log(0.5F), 1e-5);
  EXPECT_EQ(logprob->top[1].token, 11);
  EXPECT_EQ(logprob->top[0].bytes, test_model()->piece(10, true));
}

TEST(SamplerTest, RefusesParametersThatMeanNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::pair<std::string, std::function<void(SamplingParams&)>>> cases = {
      {"temperature", [=](auto& p) { p.temperature = nan; }},
      {"temperature", [](auto& p) { p.temperature = kInf; }},
      {"top_p", [](auto& p) { p.top_p = 1.1F; }},
      {"top_p", [=](auto& p) { p.top_p = nan; }},
      {"min_p", [](auto& p) { p.min_p = -0.1F; }},
      {"typical_p", [](auto& p) { p.typical_p = 2; }},
      {"repeat_penalty", [](auto& p) { p.repeat_penalty = 0; }},
      {"frequency_penalty", [](auto& p) { p.frequency_penalty = kInf; }},
      {"presence_penalty", [=](auto& p) { p.presence_penalty = nan; }},
      {"penalty_last_n", [](auto& p) { p.penalty_last_n = -2; }},
      {"top_logprobs", [](auto& p) { p.top_logprobs = -2; }},
      {"logit_bias",
       [](auto& p) {
         p.logit_bias = {{-1, 0.0F}};
       }},
      {"logit_bias",
       [](auto& p) {
         p.logit_bias = {{49152, 0.0F}};
       }},
      {"logit_bias",
       [](auto& p) {
         p.logit_bias = {{1, kInf}};
       }},
      {"grammar", [](auto& p) { p.grammar.gbnf = "root ::= ("; }},
      {"grammar", [](auto& p) { p.grammar.gbnf = "other ::= \"a\""; }},
      {"grammar", [](auto& p) { p.grammar.gbnf = "root ::= root \"a\" | \"b\""; }},
      {"grammar", [](auto& p) { p.grammar = lazy("root ::= \"a\"", {}); }},
      {"grammar", [](auto& p) { p.grammar = lazy("root ::= \"a\"", {"("}); }},
  };
  for (const auto& [where, change] : cases) {
    const auto sampler = Sampler::create(*test_model(), with(change), {});
    ASSERT_FALSE(sampler.has_value()) << where;
    EXPECT_EQ(sampler.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(sampler.error().where, where) << sampler.error().message;
  }
}

TEST(SamplerTest, RowsWithNothingToChooseFromDoNotCrash) {
  Row banned = flat_row();
  Row nan = flat_row(std::numeric_limits<float>::quiet_NaN());
  for (const SamplingParams& params :
       {with([](auto& p) { p.temperature = 0; }), SamplingParams{}, with([](auto& p) { p.top_k = 5; }),
        with([](auto& p) { p.top_p = 0; }), with([](auto& p) { p.typical_p = 0.5F; })}) {
    EXPECT_EQ(make(params)->sample(banned), 0);
    EXPECT_EQ(make(params)->sample(nan), 0);
  }
}

// Random logits: whatever the model wants, the text follows the grammar to its end.
std::string constrained_text(SamplingParams params, const std::string& gbnf, unsigned seed) {
  params.grammar.gbnf = gbnf;
  params.seed = seed;
  auto sampler = make(params);
  std::string text;
  for (unsigned step = 0; step < 200; ++step) {
    Row row = normal_row(seed * 1000 + step, 1);
    const Token token = sampler->sample(row);
    if (test_model()->is_end_of_generation(token)) return text;
    text += test_model()->piece(token, false);
  }
  return text + "<no end>";
}

TEST(SamplerTest, AGrammarConstrainsEveryKindOfSampling) {
  const std::string gbnf = R"(root ::= "{\"answer\": " ("true" | "false") "}")";
  const std::set<std::string> allowed = {R"({"answer": true})", R"({"answer": false})"};
  for (const SamplingParams& params :
       {with([](auto& p) { p.temperature = 0; }), SamplingParams{}, with([](auto& p) { p.top_k = 40; }),
        with([](auto& p) { p.top_p = 0.5F; }), with([](auto& p) { p.min_p = 0.3F; })}) {
    for (unsigned seed = 1; seed <= 2; ++seed) {
      EXPECT_TRUE(allowed.contains(constrained_text(params, gbnf, seed)));
    }
  }
}

TEST(SamplerTest, AGrammarChangesNothingButWhatItForbids) {
  const std::vector<Token> allowed = {test_model()->tokenize("a", false, false)[0],
                                      test_model()->tokenize("b", false, false)[0]};
  Row row = flat_row(-3);
  row[static_cast<std::size_t>(allowed[0])] = 5;
  row[static_cast<std::size_t>(allowed[1])] = 5 + std::log(3.0F);
  SamplingParams params;
  params.grammar.gbnf = "root ::= [ab]+";
  params.seed = 5;
  int second = 0;
  for (unsigned i = 0; i < 400; ++i) {
    params.seed = i;
    const Token token = make(params)->sample(row);
    const std::string piece = test_model()->piece(token, false);
    EXPECT_EQ(piece.find_first_not_of("ab"), std::string::npos) << piece;
    second += token == allowed[1] ? 1 : 0;
  }
  EXPECT_NEAR(second / 400.0, 0.75, 0.1);
}

// However a token was chosen, its likelihood is that of the model's own row.
TEST(SamplerTest, LogLikelihoodsAreOfTheRowAsItWas) {
  const std::vector<SamplingParams> ways = {
      with([](auto& p) { p.temperature = 0; }),
      SamplingParams{},
      with([](auto& p) { p.temperature = 0.5F; }),
      with([](auto& p) { p.top_k = 40; }),
      with([](auto& p) { p.top_p = 0.5F; }),
      with([](auto& p) {
        p.logit_bias = {{7, 30.0F}};
      }),
      with([](auto& p) { p.grammar.gbnf = "root ::= [a-z]+"; }),
  };
  for (std::size_t way = 0; way < ways.size(); ++way) {
    SamplingParams params = ways[way];
    params.seed = 3;
    params.log_likelihoods = true;
    const auto sampler = make(params);
    for (unsigned seed = 0; seed < 4; ++seed) {
      Row row = normal_row(seed);
      const Token token = sampler->sample(row);
      const double max = *std::max_element(row.begin(), row.end());
      double mass = 0;
      for (const float x : row) mass += std::exp(static_cast<double>(x) - max);
      const double expected =
          static_cast<double>(row[static_cast<std::size_t>(token)]) - max - std::log(mass);
      ASSERT_TRUE(sampler->log_likelihood());
      EXPECT_NEAR(*sampler->log_likelihood(), expected, 1e-3) << "way " << way << ", row " << seed;
    }
  }
  Row row = normal_row(1);
  const auto plain = make({});
  plain->sample(row);
  EXPECT_FALSE(plain->log_likelihood()) << "nobody asked";
}

TEST(SamplerTest, ALazyGrammarWaitsForItsTrigger) {
  SamplingParams params;
  params.temperature = 0;
  params.grammar = lazy("root ::= \"<call>\" [0-9]", {"<call>"});
  auto sampler = make(params);
  const auto say = [&](const std::string& text) {
    for (const Token token : test_model()->tokenize(text, false, false)) {
      Row row = flat_row(0);
      row[static_cast<std::size_t>(token)] = 9;
      EXPECT_EQ(sampler->sample(row), token);
    }
  };
  say("free text <call>");
  Row row = normal_row(3);
  const std::string piece = test_model()->piece(sampler->sample(row), false);
  EXPECT_EQ(piece.size(), 1U);
  EXPECT_TRUE(piece >= "0" && piece <= "9") << piece;
}

}  // namespace
}  // namespace sovereign::engine
