#include "omega/gate.h"

#include <gtest/gtest.h>

#include <limits>

namespace sovereign::omega {
namespace {

Assessment scored(double score) {
  Assessment assessment;
  assessment.vector.set(Dimension::truthfulness, score);
  assessment.vector.set(Dimension::patience, score);
  assessment.score = score;
  return assessment;
}

GatePolicy enforcing() {
  GatePolicy policy;
  policy.mode = GateMode::enforce;
  return policy;
}

TEST(Gate, OffAndAnnotateAcceptWhateverTheScore) {
  GatePolicy policy;
  policy.mode = GateMode::off;
  EXPECT_EQ(decide(policy, scored(0.1), 0).verdict, Verdict::accept);
  EXPECT_TRUE(decide(policy, scored(0.1), 0).shortfalls.empty());
  policy.mode = GateMode::annotate;
  const Decision noted = decide(policy, scored(0.1), 0);
  EXPECT_EQ(noted.verdict, Verdict::accept);
  EXPECT_EQ(noted.shortfalls, (std::vector<Shortfall>{{"score", 0.1, 0.95}}));
}

TEST(Gate, EnforceRetriesOnceThenRefuses) {
  const GatePolicy policy = enforcing();
  EXPECT_EQ(decide(policy, scored(0.95), 0).verdict, Verdict::accept);
  EXPECT_EQ(decide(policy, scored(0.94), 0).verdict, Verdict::retry);
  EXPECT_EQ(decide(policy, scored(0.94), 1).verdict, Verdict::refuse);
  EXPECT_EQ(decide(policy, scored(0.97), 1).verdict, Verdict::accept);
}

TEST(Gate, ADimensionMayHaveAMinimumOfItsOwn) {
  GatePolicy policy = enforcing();
  policy.min_score = 0.5;
  policy.min_dimension[static_cast<std::size_t>(Dimension::patience)] = 0.9;
  const Decision decision = decide(policy, scored(0.8), 1);
  EXPECT_EQ(decision.verdict, Verdict::refuse);
  EXPECT_EQ(decision.shortfalls, (std::vector<Shortfall>{{"patience", 0.8, 0.9}}));
}

TEST(Gate, UnmeasuredIsIgnoredOrFailsAsThePolicySays) {
  GatePolicy policy = enforcing();
  EXPECT_EQ(decide(policy, scored(1.0), 0).verdict, Verdict::accept);
  EXPECT_EQ(decide(policy, Assessment{}, 0).verdict, Verdict::accept);
  policy.unmeasured = UnmeasuredRule::fail;
  const Decision all = decide(policy, scored(1.0), 0);
  EXPECT_EQ(all.verdict, Verdict::retry);
  EXPECT_EQ(all.shortfalls.size(), kDimensions - 2);
  policy.required.fill(false);
  policy.required[static_cast<std::size_t>(Dimension::truthfulness)] = true;
  EXPECT_EQ(decide(policy, scored(1.0), 0).verdict, Verdict::accept);
  EXPECT_EQ(decide(policy, Assessment{}, 0).shortfalls,
            (std::vector<Shortfall>{{"score", std::nullopt, 0.95}, {"truthfulness", std::nullopt, 0.0}}));
}

TEST(Gate, TheRefusalSaysWhatFellShort) {
  GatePolicy policy = enforcing();
  policy.unmeasured = UnmeasuredRule::fail;
  policy.required.fill(false);
  policy.required[static_cast<std::size_t>(Dimension::wisdom)] = true;
  EXPECT_EQ(refusal_message(decide(policy, scored(0.5), 1)),
            "the answer did not pass the quality gate: score 0.50 is below 0.95, wisdom is unmeasured");
}

TEST(Gate, ValidateNamesTheField) {
  GatePolicy policy;
  EXPECT_TRUE(validate(policy));
  policy.min_dimension[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(validate(policy).error().where, "min_dimension.truthfulness");
  policy.min_score = 1.5;
  EXPECT_EQ(validate(policy).error().where, "min_score");
}

TEST(Gate, NamesReadBack) {
  for (const GateMode mode : {GateMode::off, GateMode::annotate, GateMode::enforce})
    EXPECT_EQ(gate_mode_from(to_string(mode)), mode);
  for (const UnmeasuredRule rule : {UnmeasuredRule::ignore, UnmeasuredRule::fail})
    EXPECT_EQ(unmeasured_rule_from(to_string(rule)), rule);
  EXPECT_EQ(gate_mode_from("on"), std::nullopt);
  EXPECT_EQ(unmeasured_rule_from(""), std::nullopt);
}

}  // namespace
}  // namespace sovereign::omega
