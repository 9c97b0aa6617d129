// How well each signal tells good answers from bad ones: the area under its ROC curve (Hanley and McNeil
// 1982: the chance that a good answer, drawn at random, gets more than a bad one; ties count half).
//
//   calibration_test --gtest_filter='Calibration.*'    prints the table of docs/quality.md
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "omega/answer_logprobs.h"
#include "omega/assessment.h"
#include "omega/gate.h"
#include "omega/labelled_answers.h"
#include "support/test_model.h"

namespace sovereign::omega {
namespace {

using testing::LabelledAnswer;

struct Measured {
  LabelledAnswer item;
  Assessment assessment;
};

std::vector<Measured> measure(const std::string& name) {
  std::vector<Measured> list;
  for (LabelledAnswer& item : testing::read_labelled_answers(SOVEREIGN_LABELLED_FOLDER, name)) {
    const auto context = item.context_views();
    const auto samples = item.sample_views();
    Assessment assessment = assess({.question = item.question,
                                    .context = context,
                                    .answer = item.answer,
                                    .logprobs = item.logprobs,
                                    .ending = item.ending,
                                    .format = item.format,
                                    .schema = item.schema,
                                    .samples = samples});
    list.push_back({std::move(item), std::move(assessment)});
  }
  return list;
}

// What the anchors were chosen on.
const std::vector<Measured>& labelled() {
  static const std::vector<Measured> set = measure("labelled");
  return set;
}
// What they have never seen.
const std::vector<Measured>& heldout() {
  static const std::vector<Measured> set = measure("heldout");
  return set;
}

// The faults that each signal is there to see.
const std::map<Signal, std::set<std::string>>& faults() {
  static const std::map<Signal, std::set<std::string>> map = {{Signal::likelihood, {"false", "gibberish"}},
                                                              {Signal::weakest_span, {"false", "gibberish"}},
                                                              {Signal::variety, {"loop"}},
                                                              {Signal::completeness, {"cut"}},
                                                              {Signal::responsiveness, {"refusal"}},
                                                              {Signal::agreement, {"disagreement"}},
                                                              {Signal::grounding, {"ungrounded"}},
                                                              {Signal::format, {"format"}},
                                                              {Signal::no_secrets, {"secret"}},
                                                              {Signal::no_personal_data, {"personal"}}};
  return map;
}

struct Auc {
  double value = 0;
  std::size_t good = 0;
  std::size_t bad = 0;
};

Auc auc(const std::vector<double>& good, const std::vector<double>& bad) {
  double wins = 0;
  for (const double g : good) {
    for (const double b : bad) wins += g > b ? 1.0 : g == b ? 0.5 : 0.0;
  }
  return {wins / static_cast<double>(good.size() * bad.size()), good.size(), bad.size()};
}

// Over all good answers that have the signal, and the bad ones of `kinds` (empty: all) that have it.
Auc auc_of(const std::vector<Measured>& set, Signal signal, const std::set<std::string>& kinds) {
  std::vector<double> good;
  std::vector<double> bad;
  for (const Measured& m : set) {
    const auto& reading = m.assessment.readings[signal];
    if (!reading) continue;
    if (m.item.good) good.push_back(reading->raw);
    if (!m.item.good && (kinds.empty() || kinds.contains(m.item.kind))) bad.push_back(reading->raw);
  }
  return auc(good, bad);
}

Auc auc_of_score(const std::vector<Measured>& set) {
  std::vector<double> good;
  std::vector<double> bad;
  for (const Measured& m : set) (m.item.good ? good : bad).push_back(m.assessment.score.value_or(0.5));
  return auc(good, bad);
}

void print_signals(const std::vector<Measured>& set) {
  fmt::print("| signal | faults | good | bad | AUC | AUC, all faults |\n|---|---|---|---|---|---|\n");
  for (const auto& [signal, kinds] : faults()) {
    const Auc own = auc_of(set, signal, kinds);
    const Auc all = auc_of(set, signal, {});
    std::string names;
    for (const std::string& kind : kinds) names += (names.empty() ? "" : ", ") + kind;
    fmt::print("| {} | {} | {} | {} | {:.3f} | {:.3f} |\n", to_string(signal), names, own.good, own.bad,
               own.value, all.value);
  }
  const Auc score = auc_of_score(set);
  fmt::print("| score | all | {} | {} | {:.3f} | {:.3f} |\n", score.good, score.bad, score.value,
             score.value);
}

struct Passed {
  int good = 0, of_good = 0, bad = 0, of_bad = 0;
};

Passed pass_the_gate(const std::vector<Measured>& set) {
  GatePolicy policy;
  policy.mode = GateMode::enforce;
  std::map<std::string, std::pair<int, int>> kinds;  // of how many
  Passed passed;
  for (const Measured& m : set) {
    const bool accepted = decide(policy, m.assessment, 0).verdict == Verdict::accept;
    auto& [yes, all] = kinds[(m.item.good ? "good: " : "bad: ") + m.item.kind];
    yes += accepted ? 1 : 0;
    ++all;
    (m.item.good ? passed.good : passed.bad) += accepted ? 1 : 0;
    ++(m.item.good ? passed.of_good : passed.of_bad);
  }
  fmt::print("| answers | pass at {} | of |\n|---|---|---|\n", policy.min_score);
  for (const auto& [kind, counts] : kinds)
    fmt::print("| {} | {} | {} |\n", kind, counts.first, counts.second);
  return passed;
}

TEST(Calibration, EachSignalPutsGoodAnswersAboveTheBadOnesItIsThereFor) {
  print_signals(labelled());
  for (const auto& [signal, kinds] : faults()) {
    const Auc own = auc_of(labelled(), signal, kinds);
    ASSERT_GE(own.good, 5u) << to_string(signal);
    ASSERT_GE(own.bad, 4u) << to_string(signal);
    EXPECT_GE(own.value, 0.9) << to_string(signal);
  }
  EXPECT_GE(auc_of_score(labelled()).value, 0.9);
}

TEST(Calibration, TheGateLetsGoodAnswersThroughAndFewBadOnes) {
  const Passed passed = pass_the_gate(labelled());
  EXPECT_GE(passed.good, passed.of_good * 9 / 10);
  EXPECT_LE(passed.bad, passed.of_bad / 4);
}

// What nothing was chosen by. Most of its bad answers are the default model's own.
TEST(Heldout, EachSignalPutsGoodAnswersAboveTheBadOnesItIsThereFor) {
  print_signals(heldout());
  for (const auto& [signal, kinds] : faults()) {
    const Auc own = auc_of(heldout(), signal, kinds);
    ASSERT_GE(own.good, 5u) << to_string(signal);
    ASSERT_GE(own.bad, 4u) << to_string(signal);
    EXPECT_GT(own.value, 0.5) << to_string(signal);
  }
  EXPECT_GT(auc_of_score(heldout()).value, 0.8);
}

TEST(Heldout, TheGateLetsMoreGoodAnswersThroughThanBadOnes) {
  const Passed passed = pass_the_gate(heldout());
  fmt::print("good: {} of {}, bad: {} of {}\n", passed.good, passed.of_good, passed.bad, passed.of_bad);
  EXPECT_GT(passed.good * passed.of_bad, passed.bad * passed.of_good);
}

TEST(Calibration, LogProbabilitiesAreTheRealModels) {
  const auto model = engine::LlamaModel::load(sovereign::testing::test_model_path(), 0);
  ASSERT_TRUE(model) << model.error().message;
  const auto meter = testing::AnswerLogprobs::create(**model);
  ASSERT_TRUE(meter) << meter.error().message;
  constexpr std::size_t kEvery = 19;
  for (std::size_t i = 0; i < labelled().size(); i += kEvery) {
    const LabelledAnswer& item = labelled()[i].item;
    const auto again = (*meter)->measure(item.context, item.question, item.answer);
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(again->size(), item.logprobs.size()) << item.id;
    double difference = 0;
    double size = 0;
    for (std::size_t t = 0; t < again->size(); ++t) {
      difference += std::abs(static_cast<double>((*again)[t]) - static_cast<double>(item.logprobs[t]));
      size += std::abs(static_cast<double>(item.logprobs[t]));
    }
    // Instruction sets round differently, and more so where the model finds everything unlikely.
    EXPECT_LT(difference, 0.05 * std::max(static_cast<double>(again->size()), size)) << item.id;
  }
}

}  // namespace
}  // namespace sovereign::omega
