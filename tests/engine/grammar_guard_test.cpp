#include "engine/grammar_guard.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/chat_format.h"
#include "engine/llama_model.h"
#include "test_model.h"

namespace sovereign::engine {
namespace {

std::string json_grammar() {
  const auto gbnf = json_schema_to_gbnf(R"({"type":"object"})");
  EXPECT_TRUE(gbnf);
  return gbnf.value_or("");
}

std::unique_ptr<GrammarGuard> guard(const std::string& gbnf) {
  auto made = GrammarGuard::create(*test_model(), {.gbnf = gbnf});
  if (!made) ADD_FAILURE() << made.error().message;
  return made ? std::move(*made) : nullptr;
}

std::vector<bool> allowed_by(GrammarGuard& guard) {
  std::vector<float> logits(test_model()->info().vocabulary_size, 0.0F);
  guard.filter(logits);
  std::vector<bool> allowed;
  for (const float logit : logits) allowed.push_back(logit == 0.0F);
  return allowed;
}

std::vector<bool> allowed_by(llama_sampler* sampler) {
  std::vector<llama_token_data> all;
  for (Token token = 0; token < static_cast<Token>(test_model()->info().vocabulary_size); ++token) {
    all.push_back({token, 0.0F, 0.0F});
  }
  llama_token_data_array array{all.data(), all.size(), -1, false};
  llama_sampler_apply(sampler, &array);
  std::vector<bool> allowed;
  for (const llama_token_data& one : all) allowed.push_back(one.logit == 0.0F);
  return allowed;
}

// Random texts of a grammar: after each token, ours and llama.cpp's allow the same ones.
void expect_as_llama(const std::string& gbnf, std::uint32_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", grammar " << gbnf.substr(0, 80));
  const auto ours = guard(gbnf);
  ASSERT_TRUE(ours);
  const std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)> theirs(
      llama_sampler_init_grammar(test_model()->vocab(), gbnf.c_str(), "root"), &llama_sampler_free);
  ASSERT_TRUE(theirs);
  std::mt19937 random(seed);
  for (int step = 0; step < 24; ++step) {
    const std::vector<bool> mine = allowed_by(*ours);
    const std::vector<bool> reference = allowed_by(theirs.get());
    std::vector<Token> choices;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const auto token = static_cast<Token>(i);
      ASSERT_EQ(mine[i], reference[i])
          << "step " << step << ", token '" << test_model()->piece(token, true) << "'";
      if (mine[i] && !test_model()->is_end_of_generation(token)) choices.push_back(token);
    }
    if (choices.empty()) return;
    const Token token = choices[random() % choices.size()];
    ASSERT_TRUE(ours->allows(token));
    ours->accept(token);
    llama_sampler_accept(theirs.get(), token);
  }
}

TEST(GrammarGuardTest, AllowsWhatLlamaCppDoes) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    expect_as_llama(json_grammar(), seed);
    expect_as_llama("root ::= [a-z ]+ (\",\" [a-z ]+)* \".\"", seed);
    expect_as_llama("root ::= [à-ÿα-ω]+ | \"日本\" .*", seed);
    expect_as_llama("root ::= (\"yes\" | \"no\" | \"not \" root){1,5}", seed);
  }
}

TEST(GrammarGuardTest, AChoiceIsClonedNotCompiledAnew) {
  const auto first = guard("root ::= \"a\" [bc]");
  ASSERT_TRUE(first);
  const auto second = first->clone();
  const Token a = test_model()->tokenize("a", false, false).front();
  const Token b = test_model()->tokenize("b", false, false).front();
  first->accept(a);
  EXPECT_TRUE(first->allows(b));
  EXPECT_FALSE(second->allows(b));
  EXPECT_TRUE(second->allows(a));
}

TEST(GrammarGuardTest, WhatCannotBeUsedIsNamed) {
  for (const std::string& gbnf : {std::string("root ::= ("), "root ::= " + std::string(100'000, '(')}) {
    const auto made = GrammarGuard::create(*test_model(), {.gbnf = gbnf});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().where, "grammar");
  }
}

TEST(GrammarGuardTest, ControlTokensCanBeNamed) {
  const auto made = guard("root ::= <|im_start|> \"a\"");
  ASSERT_TRUE(made);
  const Token start = test_model()->tokenize("<|im_start|>", false, true).front();
  const std::vector<bool> allowed = allowed_by(*made);
  EXPECT_TRUE(allowed[static_cast<std::size_t>(start)]);
  EXPECT_EQ(std::count(allowed.begin(), allowed.end(), true), 1);
}

}  // namespace
}  // namespace sovereign::engine
