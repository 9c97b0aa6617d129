// The quality gate in the pipeline, with a scripted model: what is noted, repeated, refused, held back, kept.
#include "runtime/stages/quality.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <utility>

#include "runtime/pipeline_fixture.h"

namespace sovereign::runtime {
namespace {

using omega::Dimension;
using omega::GateMode;
using omega::Signal;
using testing::ClientPtr;
using testing::RecordingClient;
using testing::ScriptedBackend;

const std::vector<std::string> kGood = {"The ", "sky ", "is ", "blue ", "by ", "day."};
const std::vector<std::string> kBad = {"I ", "can't ", "help ", "with ", "that ", "question."};

const std::string kVerdict =
    R"({"reason":"it is wrong","truthfulness":1,"trustworthiness":5,"justice":4,"excellence":5,)"
    R"("wisdom":null,"compassion":null,"patience":5,"gratitude":null})";

SovereignQuery greedy(const std::string& content) {
  SovereignQuery query;
  query.id = "q";
  query.content = content;
  query.sampling.temperature = 0;
  return query;
}

class QualityStageTest : public testing::PipelineFixture {
 protected:
  QualityStageTest() : PipelineFixture(kGood) {}
  void make(GateMode mode, bool judge = false, bool likelihood = true) {
    QualityPolicy policy;
    policy.gate.mode = mode;
    policy.judge = judge;
    policy.likelihood = likelihood;
    PipelineParts all = parts();
    all.quality = policy;
    all.quality_metrics = &metrics_;
    pipeline_ = make_pipeline(std::move(all));
  }
  void have_judge(const std::string& model, JudgeFinder find) {
    QualityPolicy policy;
    policy.gate.mode = GateMode::annotate;
    policy.judge = true;
    policy.judge_model = model;
    PipelineParts all = parts();
    all.quality = policy;
    all.quality_metrics = &metrics_;
    all.find_judge = std::move(find);
    pipeline_ = make_pipeline(std::move(all));
  }
  static const Quality& note_of(const ClientPtr& client) {
    return *client->result()->choices.front().quality;
  }
  static std::vector<std::string> stages_of(const ClientPtr& client) {
    std::vector<std::string> stages;
    for (const auto& timing : client->result()->timings) stages.emplace_back(timing.stage);
    return stages;
  }

  QualityMetrics metrics_;
};

TEST_F(QualityStageTest, AnAnswerHasItsScoresAlsoWhenItIsFoundAgain) {
  make(GateMode::annotate);
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  const Quality& made = note_of(client);
  EXPECT_TRUE(made.passed());
  ASSERT_TRUE(made.assessment.readings[Signal::likelihood]) << "the model was asked for likelihoods";
  EXPECT_NEAR(made.assessment.readings[Signal::likelihood]->raw, -0.5, 1e-6);
  EXPECT_TRUE(made.assessment.vector.get(Dimension::patience));
  EXPECT_FALSE(made.assessment.vector.get(Dimension::justice)) << "nothing measures it";
  EXPECT_EQ(stages_of(client),
            (std::vector<std::string>{"admission", "cache", "inference", "quality", "cache_fill"}));
  const auto again = ask(greedy("colour?"));
  ASSERT_TRUE(again->result());
  EXPECT_EQ(again->result()->cached.status, CacheNote::Status::hit);
  EXPECT_EQ(note_of(again).assessment.score, made.assessment.score);
  EXPECT_EQ(metrics_.accepted, 1u) << "what is found is not assessed again";
  EXPECT_EQ(metrics_.score.count(), 1u);
}

TEST_F(QualityStageTest, AnnotateLetsThroughAndSaysWhatFellShort) {
  make(GateMode::annotate);
  backend_->say(kBad);
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->text(), "I can't help with that question.") << "it streamed as it came";
  ASSERT_FALSE(note_of(client).passed());
  EXPECT_EQ(note_of(client).shortfalls.front().name, "score");
  EXPECT_EQ(metrics_.let_through, 1u);
  EXPECT_EQ(backend_->generations(), 1u);
}

TEST_F(QualityStageTest, OffAsksForNothingAndNotesNothing) {
  make(GateMode::off);
  const auto client = ask_to_end(greedy("colour?"));
  EXPECT_FALSE(client->result()->choices.front().quality);
  EXPECT_FALSE(backend_->last_request().sampling.log_likelihoods);
  EXPECT_EQ(stages_of(client), (std::vector<std::string>{"admission", "cache", "inference", "cache_fill"}));
}

TEST_F(QualityStageTest, WithoutLikelihoodNoneIsAskedForAndTheRestIsMeasured) {
  make(GateMode::annotate, false, false);
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  EXPECT_FALSE(backend_->last_request().sampling.log_likelihoods);
  EXPECT_FALSE(note_of(client).assessment.readings[Signal::likelihood]);
  EXPECT_TRUE(note_of(client).assessment.vector.get(Dimension::patience));
}

TEST(QualityPolicyText, TellsPoliciesApart) {
  QualityPolicy policy;
  policy.gate.mode = GateMode::annotate;
  const std::string with = policy_text(policy);
  policy.likelihood = false;
  EXPECT_NE(policy_text(policy), with);
  policy.gate.mode = GateMode::off;
  const std::string off = policy_text(policy);
  policy.likelihood = true;
  EXPECT_EQ(policy_text(policy), off) << "nothing is assessed, so nothing differs";
}

TEST_F(QualityStageTest, EnforceHoldsBackUntilTheAnswerPassed) {
  make(GateMode::enforce);
  const auto client = ask(greedy("colour?"));
  backend_->step();
  backend_->step();
  EXPECT_FALSE(client->beginning());
  EXPECT_EQ(client->deltas(), 0u);
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->deltas(), 0u) << "it is told as a whole";
  EXPECT_EQ(client->result()->choices.front().message.content, "The sky is blue by day.");
}

TEST_F(QualityStageTest, AnAnswerThatFallsShortIsMadeOnceMoreInAnotherWay) {
  make(GateMode::enforce);
  backend_->say_in_turn({kBad, kGood});
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result()) << client->failure()->message;
  EXPECT_EQ(client->result()->choices.front().message.content, "The sky is blue by day.");
  EXPECT_EQ(note_of(client).retries, 1u);
  EXPECT_EQ(stages_of(client), (std::vector<std::string>{"admission", "cache", "inference", "quality",
                                                         "inference", "quality", "cache_fill"}));
  EXPECT_EQ(client->result()->usage.completion_tokens, 12u) << "both were paid for";
  const auto requests = backend_->requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_TRUE(requests[0].sampling.greedy());
  EXPECT_FALSE(requests[1].sampling.greedy()) << "greedy again would be the same again";
  EXPECT_TRUE(requests[1].sampling.seed) << "but it stays reproducible";
  EXPECT_EQ(metrics_.retried, 1u);
  EXPECT_EQ(metrics_.accepted, 1u);
  EXPECT_EQ(ask(greedy("colour?"))->result()->cached.status, CacheNote::Status::hit);
}

TEST_F(QualityStageTest, TheSecondAnswerNamesWhoGaveIt) {
  make(GateMode::enforce);
  backend_->say_in_turn({kBad, kGood});
  gateway::BackendIdentity other;
  other.model = "fallback";
  other.digest = "sha256:other";
  other.tier = gateway::Tier::pool;
  backend_->redirect_to(other);
  const auto client = ask(greedy("colour?"));
  backend_->redirect_to(std::nullopt);  // it was away for the first answer only
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  EXPECT_EQ(note_of(client).retries, 1u);
  EXPECT_EQ(client->result()->model_used, "scripted");
  EXPECT_EQ(client->result()->model_digest, backend_->identity().digest);
  EXPECT_EQ(client->result()->answered_by, nullptr);
  EXPECT_EQ(client->result()->tier, gateway::Tier::edge);
}

TEST_F(QualityStageTest, AnotherModelsVerdictIsNotKept) {
  make(GateMode::annotate, true);
  backend_->say_in_turn({kGood, {kVerdict}});
  const auto client = ask(greedy("colour?"));
  gateway::BackendIdentity other;
  other.model = "fallback";
  other.digest = "sha256:other";
  backend_->redirect_to(other);
  backend_->run_to_end();
  ASSERT_TRUE(client->result());
  EXPECT_EQ(client->result()->model_used, "scripted");
  EXPECT_EQ(note_of(client).judge_reason, "it is wrong");
  EXPECT_FALSE(ask(greedy("colour?"))->result()) << "it is not found: it is being made anew";
}

TEST_F(QualityStageTest, ASecondShortfallIsRefusedWithItsScoresAndNotKept) {
  make(GateMode::enforce);
  backend_->say(kBad);
  auto seeded = greedy("colour?");
  seeded.sampling.temperature = 1;
  seeded.sampling.seed = 5;
  const auto client = ask_to_end(seeded);
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->reason, "quality_gate");
  EXPECT_EQ(client->deltas(), 0u);
  const auto details = boost::json::parse(client->failure()->details);
  const auto& note = details.at("quality");
  EXPECT_FALSE(note.at("passed").as_bool());
  EXPECT_EQ(note.at("retries").to_number<int>(), 1);
  EXPECT_EQ(note.at("shortfalls").at(0).at("name").as_string(), "score");
  EXPECT_TRUE(note.at("dimensions").at("justice").is_null());
  ASSERT_EQ(backend_->generations(), 2u);
  EXPECT_NE(backend_->requests()[1].sampling.seed, 5u);
  EXPECT_EQ(metrics_.refused, 1u);
  const auto again = ask_to_end(seeded);
  EXPECT_TRUE(again->failure());
  EXPECT_EQ(backend_->generations(), 4u) << "a refusal is not kept";
}

TEST_F(QualityStageTest, APolicyIsPartOfTheKey) {
  make(GateMode::annotate);
  ask_to_end(greedy("colour?"));
  make(GateMode::enforce);
  EXPECT_EQ(ask_to_end(greedy("colour?"))->result()->cached.status, CacheNote::Status::miss);
  make(GateMode::annotate);
  EXPECT_EQ(ask_to_end(greedy("colour?"))->result()->cached.status, CacheNote::Status::hit);
}

TEST_F(QualityStageTest, OfSeveralAnswersAllMustPass) {
  make(GateMode::enforce);
  auto two = greedy("colour?");
  two.n = 2;
  const auto client = ask_to_end(two);
  ASSERT_TRUE(client->result());
  for (const auto& choice : client->result()->choices)
    EXPECT_TRUE(choice.quality && choice.quality->passed());
}

TEST_F(QualityStageTest, AJudgeIsAskedAndCanOnlyLower) {
  make(GateMode::annotate, true);
  backend_->say_in_turn({kGood, {kVerdict}});
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  const Quality& note = note_of(client);
  EXPECT_EQ(note.judge_reason, "it is wrong");
  EXPECT_EQ(note.assessment.vector.get(Dimension::truthfulness), 0.0);
  EXPECT_EQ(note.assessment.vector.get(Dimension::justice), 0.75);
  EXPECT_FALSE(note.assessment.vector.get(Dimension::wisdom));
  EXPECT_EQ(metrics_.judged, 1u);
  const auto asked = backend_->requests().at(1);
  EXPECT_TRUE(asked.sampling.greedy());
  EXPECT_EQ(asked.input.json_schema, omega::judge_schema());
  EXPECT_NE(asked.input.messages_json.find("The sky is blue"), std::string::npos);
  EXPECT_EQ(client->text(), "The sky is blue by day.") << "the verdict is nobody's answer";
}

TEST_F(QualityStageTest, AnotherModelThanTheOneThatAnsweredCanJudge) {
  const auto wiser = std::make_shared<ScriptedBackend>(std::vector<std::string>{kVerdict});
  std::vector<std::pair<std::string, bool>> asked_for;
  have_judge("wiser", [&](const std::string& model, bool require_local) {
    asked_for.emplace_back(model, require_local);
    return Judge{require_local ? nullptr : wiser, wiser->identity().digest};
  });
  const auto client = ask_to_end(greedy("colour?"));
  wiser->run_to_end();
  ASSERT_TRUE(client->result());
  EXPECT_EQ(note_of(client).judge_reason, "it is wrong");
  EXPECT_EQ(backend_->generations(), 1u) << "the model that answered was not asked";
  EXPECT_EQ(wiser->last_request().input.json_schema, omega::judge_schema());
  EXPECT_EQ(ask(greedy("colour?"))->result()->cached.status, CacheNote::Status::hit);

  SovereignQuery local = greedy("colour, here?");
  local.require_local = true;
  const auto unjudged = ask_to_end(local);
  ASSERT_TRUE(unjudged->result());
  EXPECT_FALSE(note_of(unjudged).judge_reason);
  EXPECT_EQ(metrics_.judge_failures, 1u);
  EXPECT_EQ(wiser->generations(), 1u);
  EXPECT_EQ(asked_for, (std::vector<std::pair<std::string, bool>>{{"wiser", false}, {"wiser", true}}));
}

// Who judged in the judge's place was not told apart from who answered, nor a judge of one name from another.
TEST_F(QualityStageTest, OnlyTheVerdictsOfWhomTheJudgesNameMeansAreKept) {
  const auto wiser = std::make_shared<ScriptedBackend>(std::vector<std::string>{kVerdict});
  wiser->mutable_identity().digest = "sha256:wiser";
  Judge judge{wiser, "sha256:wiser"};
  have_judge("pool", [&](const std::string&, bool) { return judge; });
  const auto is_kept = [&](const std::string& question) {
    const auto judged = [&] {
      auto client = ask_to_end(greedy(question));
      wiser->run_to_end();
      backend_->run_to_end();
      return client;
    };
    backend_->say_in_turn({kGood, {kVerdict}});
    EXPECT_EQ(note_of(judged()).judge_reason, "it is wrong");
    backend_->say_in_turn({kGood, {kVerdict}});
    return judged()->result()->cached.status == CacheNote::Status::hit;
  };
  EXPECT_TRUE(is_kept("its own?"));
  wiser->redirect_to(backend_->identity());
  EXPECT_FALSE(is_kept("of who answered, in its place?"));
  wiser->redirect_to(std::nullopt);
  judge.backend = backend_;
  EXPECT_FALSE(is_kept("of another, that was the first choice here?"));
  judge = {wiser, {}};
  EXPECT_FALSE(is_kept("of whom is not known?"));
}

// The judge's generation was cancelled at the model that answered: there its number is somebody else's.
TEST_F(QualityStageTest, TheClientLeavesAndAnotherModelsJudgingEnds) {
  const auto wiser = std::make_shared<ScriptedBackend>(std::vector<std::string>{kVerdict});
  have_judge("wiser", [&](const std::string&, bool) { return Judge{wiser, wiser->identity().digest}; });
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_EQ(wiser->running(), 1u);
  const auto somebody = ask(greedy("another colour?"));
  client->leave();
  EXPECT_EQ(wiser->running(), 0u);
  EXPECT_EQ(backend_->cancels(), 0u);
  EXPECT_EQ(backend_->running(), 1u);
}

TEST_F(QualityStageTest, WithoutAUsableVerdictItIsDoneWithout) {
  make(GateMode::annotate, true);
  backend_->say_in_turn({kGood, {"five stars"}});
  const auto client = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(client->result());
  EXPECT_FALSE(note_of(client).judge_reason);
  EXPECT_EQ(metrics_.judge_failures, 1u);
}

// What the judge had no time for was found afterwards, though the judge would have refused it.
TEST_F(QualityStageTest, WhatTheJudgeDidNotJudgeIsNotKept) {
  make(GateMode::enforce, true);
  backend_->say_in_turn({kGood, {"no verdict"}, kGood, {kVerdict}, kGood, {kVerdict}});
  ASSERT_TRUE(ask_to_end(greedy("colour?"))->result());
  const auto again = ask_to_end(greedy("colour?"));
  ASSERT_TRUE(again->failure()) << "the judge had its say this time";
  EXPECT_EQ(again->failure()->reason, "quality_gate");
}

// A retry of a greedy query is drawn, by the query's own top_p.
TEST_F(QualityStageTest, WhereTheGateMayRetryGreedyQueriesDifferByWhatARetryIsDrawnBy) {
  make(GateMode::enforce);
  auto narrow = greedy("colour?");
  narrow.sampling.top_p = 0.1F;
  backend_->say_in_turn({kBad, kGood, kBad, {"It ", "is ", "blue ", "up ", "there."}});
  const auto first = ask_to_end(greedy("colour?"));
  const auto second = ask_to_end(narrow);
  ASSERT_TRUE(first->result() && second->result());
  EXPECT_EQ(second->result()->cached.status, CacheNote::Status::miss);
  EXPECT_EQ(second->result()->choices.front().message.content, "It is blue up there.");
  EXPECT_EQ(backend_->last_request().sampling.top_p, 0.1F);
  make(GateMode::annotate);
  ask_to_end(greedy("colour?"));
  EXPECT_EQ(ask_to_end(narrow)->result()->cached.status, CacheNote::Status::hit) << "nothing is drawn";
}

TEST_F(QualityStageTest, TheClientLeavesWhileTheJudgeWrites) {
  make(GateMode::annotate, true);
  auto random = greedy("colour?");
  random.sampling.temperature = 1;
  const auto client = ask(random);
  while (backend_->generations() < 2) ASSERT_TRUE(backend_->step());
  client->leave();
  EXPECT_EQ(backend_->cancels(), 1u);
  EXPECT_EQ(backend_->running(), 0u);
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace sovereign::runtime
