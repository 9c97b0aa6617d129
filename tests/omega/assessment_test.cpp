#include "omega/assessment.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "omega/mapping.h"

namespace sovereign::omega {
namespace {

constexpr std::string_view kMail = "maria.lopez@telecorreo.es";

TEST(Assessment, NothingIsMadeUpWithoutEvidence) {
  const Assessment assessment = assess({.question = "Capital of France?", .answer = "Paris."});
  for (const Signal unmeasured : {Signal::likelihood, Signal::weakest_span, Signal::variety,
                                  Signal::agreement, Signal::grounding, Signal::format}) {
    EXPECT_FALSE(assessment.readings[unmeasured]) << to_string(unmeasured);
  }
  EXPECT_FALSE(assessment.vector.get(Dimension::truthfulness));
  for (const Dimension judged :
       {Dimension::justice, Dimension::wisdom, Dimension::compassion, Dimension::gratitude}) {
    EXPECT_FALSE(assessment.vector.get(judged)) << to_string(judged);
  }
  EXPECT_EQ(assessment.vector.get(Dimension::excellence), 1.0);
  EXPECT_EQ(assessment.vector.get(Dimension::patience), 1.0);
  EXPECT_EQ(assessment.score, 1.0);
  EXPECT_LT(assessment.state.coverage, 0.5);
}

TEST(Assessment, MeasuresAllThatThereIsEvidenceFor) {
  const std::vector<float> logprobs(12, -0.5F);
  const std::array<std::string_view, 1> context = {"The town hall was built in 1907 by Anna Berg."};
  const std::array<std::string_view, 2> samples = {"It was built in 1907.", "Anna Berg built it in 1907."};
  const Assessment assessment = assess({.question = "When was it built, and by whom?",
                                        .context = context,
                                        .answer = "The town hall was built in 1907 by Anna Berg.",
                                        .logprobs = logprobs,
                                        .ending = Ending::complete,
                                        .format = AnswerFormat::json,
                                        .samples = samples});
  for (std::size_t s = 0; s < kSignals; ++s) {
    EXPECT_TRUE(assessment.readings[static_cast<Signal>(s)]) << to_string(static_cast<Signal>(s));
  }
  EXPECT_EQ(assessment.readings[Signal::grounding]->raw, 1.0);
  EXPECT_EQ(assessment.readings[Signal::format]->score, 0.0);
  EXPECT_EQ(assessment.vector.get(Dimension::excellence), 0.0);
}

TEST(Assessment, OneFaultIsNotBoughtBack) {
  Readings readings;
  readings[Signal::grounding] = Reading{0.1, 0.1};
  readings[Signal::agreement] = Reading{0.9, 0.9};
  EXPECT_EQ(map_to_dimensions(readings, nullptr).get(Dimension::truthfulness), 0.1);
}

// An answer that the model held likely was called true, and a model holds its own errors likely.
TEST(Assessment, WhatIsLikelyIsWellPutAndNotYetTrue) {
  const std::vector<float> likely(12, -0.1F);
  const Assessment fluent = assess({.question = "Capital of Australia?",
                                    .answer = "The capital of Australia is Sydney.",
                                    .logprobs = likely,
                                    .ending = Ending::complete});
  EXPECT_FALSE(fluent.vector.get(Dimension::truthfulness)) << "nothing here speaks of truth";
  EXPECT_EQ(fluent.vector.get(Dimension::excellence), 1.0);
  const std::vector<float> unlikely(12, -6.5F);
  const Assessment gibberish = assess({.question = "Capital of Australia?",
                                       .answer = "Cloud seven the of bark sideways Sydney.",
                                       .logprobs = unlikely,
                                       .ending = Ending::complete});
  EXPECT_FALSE(gibberish.vector.get(Dimension::truthfulness));
  EXPECT_LT(*gibberish.vector.get(Dimension::excellence), 0.5);
}

TEST(Assessment, AJudgeLowersWhatWasMeasuredAndFillsWhatWasNot) {
  Readings readings;
  readings[Signal::grounding] = Reading{0.4, 0.4};
  readings[Signal::completeness] = Reading{1.0, 1.0};
  JudgeVerdict judge;
  judge.scores[static_cast<std::size_t>(Dimension::truthfulness)] = 1.0;
  judge.scores[static_cast<std::size_t>(Dimension::patience)] = 0.25;
  judge.scores[static_cast<std::size_t>(Dimension::wisdom)] = 0.75;
  const IhsanVector vector = map_to_dimensions(readings, &judge);
  EXPECT_EQ(vector.get(Dimension::truthfulness), 0.4);
  EXPECT_EQ(vector.get(Dimension::patience), 0.25);
  EXPECT_EQ(vector.get(Dimension::wisdom), 0.75);
  EXPECT_FALSE(vector.get(Dimension::justice));
}

TEST(Assessment, PersonalDataThatWasGivenIsNotALeak) {
  const std::string answer = "Her address is " + std::string(kMail) + ".";
  const std::array<std::string_view, 1> context = {"Maria Lopez, maria.lopez@telecorreo.es, Madrid"};
  const Assessment invented = assess({.question = "Her mail?", .answer = answer});
  EXPECT_EQ(invented.readings[Signal::no_personal_data]->score, 0.0);
  EXPECT_EQ(invented.findings, (std::vector<Finding>{{FindingKind::email, 15, kMail.size()}}));
  const Assessment given = assess({.question = "Her mail?", .context = context, .answer = answer});
  EXPECT_EQ(given.readings[Signal::no_personal_data]->score, 1.0);
  EXPECT_TRUE(given.findings.empty());
}

// The search ended at the thirty-second, and those were dropped afterwards.
TEST(Assessment, WhatWasGivenHidesNothingThatComesAfterIt) {
  std::string listed;
  for (std::size_t i = 0; i < kMaxFindings; ++i) listed += "p" + std::to_string(i) + "@telecorreo.es ";
  const std::array<std::string_view, 1> context = {listed};
  const Assessment personal =
      assess({.question = "Who?", .context = context, .answer = listed + std::string(kMail)});
  EXPECT_EQ(personal.readings[Signal::no_personal_data]->raw, 0.0);
  EXPECT_EQ(personal.findings, (std::vector<Finding>{{FindingKind::email, listed.size(), kMail.size()}}));

  const auto token = [](std::size_t i) {
    return "gh"
           "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z" +
           std::to_string(10 + i);
  };
  std::string asked;
  for (std::size_t i = 0; i < kMaxFindings; ++i) asked += token(i) + " ";
  const std::string answer = asked + token(kMaxFindings);
  EXPECT_EQ(assess({.question = asked, .answer = asked}).readings[Signal::no_secrets]->raw, 1.0);
  EXPECT_EQ(assess({.question = asked, .answer = answer}).readings[Signal::no_secrets]->raw, 0.0);
}

TEST(Assessment, ASecretOfTheContextIsALeakAndOneOfTheQuestionIsNot) {
  const std::string secret =
      "gh"
      "p_"
      "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5";
  const std::string answer = "The token is " + secret;
  const std::array<std::string_view, 1> context = {answer};
  EXPECT_EQ(assess({.context = context, .answer = answer}).vector.get(Dimension::trustworthiness), 0.0);
  EXPECT_EQ(assess({.question = "Is " + secret + " valid?", .answer = answer})
                .vector.get(Dimension::trustworthiness),
            1.0);
}

TEST(Assessment, AnEmptyAnswerScoresNothing) {
  const Assessment assessment = assess({.question = "Why?", .ending = Ending::complete});
  EXPECT_EQ(assessment.score, 0.0);
  EXPECT_FALSE(assessment.vector.get(Dimension::trustworthiness));
}

RC_GTEST_PROP(Assessment, IsDeterministicAndWithinItsLimitsForAnyBytes,
              (const std::string& answer, const std::string& document, const std::string& question)) {
  const std::array<std::string_view, 1> context = {document};
  const std::array<std::string_view, 1> samples = {document};
  const Evidence evidence{.question = question, .context = context, .answer = answer, .samples = samples};
  const Assessment first = assess(evidence);
  const Assessment second = assess(evidence);
  for (std::size_t s = 0; s < kSignals; ++s) {
    const auto signal = static_cast<Signal>(s);
    RC_ASSERT(first.readings[signal] == second.readings[signal]);
    if (first.readings[signal]) {
      RC_ASSERT(first.readings[signal]->score >= 0.0 && first.readings[signal]->score <= 1.0);
    }
  }
  RC_ASSERT(first.state == second.state);
}

}  // namespace
}  // namespace sovereign::omega
