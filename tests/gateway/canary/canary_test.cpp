#include "gateway/canary/canary.h"

#include <gtest/gtest.h>

#include <random>

namespace sovereign::gateway {
namespace {

using Kind = CanaryEvent::Kind;

CanaryConfig config(std::string configuration = "a") {
  CanaryConfig made;
  made.name = "bigger-model";
  made.configuration = std::move(configuration);
  return made;
}

Observation seen(Arm arm, double seconds) {
  Observation observation;
  observation.arm = arm;
  observation.seconds = {seconds, seconds, seconds};
  return observation;
}

// Feeds queries with the variant `slower` times as slow; the last event that was told.
std::optional<CanaryEvent> feed(Canary& canary, int queries, double slower, std::int64_t now_ms = 1000) {
  std::mt19937_64 random(17);
  std::optional<CanaryEvent> last;
  for (int i = 0; i < queries && canary.phase() == CanaryPhase::running; ++i) {
    const Arm arm = canary.arm_for(random());
    const double seconds = 1 + static_cast<double>(random() % 100) / 100;
    if (auto event = canary.observe(seen(arm, seconds * (arm == Arm::variant ? slower : 1)), now_ms))
      last = event;
  }
  return last;
}

TEST(Canary, TakesItsShareWhileItRuns) {
  const Canary canary(config(), 1);
  EXPECT_EQ(canary.phase(), CanaryPhase::running);
  int variants = 0;
  for (std::uint64_t unit = 0; unit < 10'000; ++unit)
    variants += canary.arm_for(unit) == Arm::variant ? 1 : 0;
  EXPECT_NEAR(variants, 1000, 150);
}

TEST(Canary, IsRolledBackByItselfAndStaysSo) {
  Canary canary(config(), 1);
  const auto event = feed(canary, 5000, 2, 77);
  ASSERT_EQ(canary.phase(), CanaryPhase::rolled_back);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::rolled_back);
  EXPECT_EQ(event->by, "server");
  EXPECT_EQ(event->at_ms, 77);
  EXPECT_NE(event->why.find("worse by more than 10 %"), std::string::npos) << event->why;
  EXPECT_GT(event->variants, 0);
  for (std::uint64_t unit = 0; unit < 1000; ++unit) EXPECT_EQ(canary.arm_for(unit), Arm::control);
  // What still comes in changes nothing.
  EXPECT_FALSE(canary.observe(seen(Arm::variant, 1), 78));
  const Canary later(config(), canary.state(), 99);
  EXPECT_EQ(later.phase(), CanaryPhase::rolled_back);
  EXPECT_EQ(later.story().size(), canary.story().size());
}

TEST(Canary, AnotherConfigurationBeginsAnew) {
  Canary canary(config(), 1);
  ASSERT_TRUE(canary.roll_back("admin", "no reason", 2));
  const Canary other(config("b"), canary.state(), 3);
  EXPECT_EQ(other.phase(), CanaryPhase::running);
  EXPECT_EQ(other.started_ms(), 3);
  EXPECT_EQ(other.story().size(), 1U);
}

TEST(Canary, AnotherControlIsComparedAnewButADecisionStays) {
  Canary running(config(), 1);
  feed(running, 1000, 1);
  CanaryConfig changed = config();
  changed.control = "another model";
  const Canary anew(changed, running.state(), 3);
  EXPECT_EQ(anew.phase(), CanaryPhase::running);
  EXPECT_EQ(anew.comparison().observed(Arm::control), 0);
  EXPECT_NE(anew.story().back().why.find("control"), std::string::npos) << anew.story().back().why;
  ASSERT_TRUE(running.roll_back("admin", "no reason", 2));
  EXPECT_EQ(Canary(changed, running.state(), 3).phase(), CanaryPhase::rolled_back);
}

TEST(Canary, AnotherControlWhileItRunsIsComparedAnewToo) {
  Canary canary(config(), 1);
  feed(canary, 1000, 1);
  EXPECT_FALSE(canary.set_control(config().control, 2)) << "the same";
  EXPECT_GT(canary.comparison().observed(Arm::control), 0);
  ASSERT_TRUE(canary.set_control("another model", 3));
  EXPECT_EQ(canary.comparison().observed(Arm::control), 0);
  EXPECT_EQ(canary.started_ms(), 3);
  CanaryConfig changed = config();
  changed.control = "another model";
  EXPECT_EQ(Canary(changed, canary.state(), 4).started_ms(), 3) << "and goes on against it after a restart";
  ASSERT_TRUE(canary.roll_back("admin", "no reason", 5));
  EXPECT_FALSE(canary.set_control("a third", 6));
  EXPECT_EQ(canary.phase(), CanaryPhase::rolled_back);
}

TEST(Canary, EvidenceThatCannotBeReadIsBegunAnewAndSaidSo) {
  Canary canary(config(), 1);
  feed(canary, 1000, 1);
  CanaryState state = canary.state();
  state.evidence.pop_back();
  const Canary anew(config(), state, 3);
  EXPECT_EQ(anew.started_ms(), 3);
  EXPECT_EQ(anew.comparison().observed(Arm::control), 0);
  EXPECT_NE(anew.story().back().why.find("cannot be read"), std::string::npos) << anew.story().back().why;
}

TEST(Canary, IsPromotedBySomebody) {
  Canary canary(config(), 1);
  const auto promoted = canary.promote("admin", "looks good", 5);
  ASSERT_TRUE(promoted);
  EXPECT_EQ(promoted->kind, Kind::promoted);
  EXPECT_EQ(promoted->why, "looks good");
  EXPECT_EQ(canary.arm_for(123), Arm::variant);
  EXPECT_EQ(canary.promote("admin", "", 6).error().code, ErrorCode::already_exists);
  EXPECT_TRUE(canary.roll_back("admin", "", 7));
  EXPECT_EQ(canary.roll_back("admin", "", 8).error().code, ErrorCode::already_exists);
  EXPECT_EQ(canary.arm_for(123), Arm::control);
}

TEST(Canary, IsPromotedByItselfOnlyWhenToldTo) {
  Canary manual(config(), 0);
  feed(manual, 30'000, 1, 10'000'000);
  EXPECT_EQ(manual.phase(), CanaryPhase::running);

  auto automatic = config();
  automatic.promote_when_fine = true;
  Canary early(automatic, 0);
  feed(early, 30'000, 1, 1000);  // before promote_after
  EXPECT_EQ(early.phase(), CanaryPhase::running);

  Canary canary(automatic, 0);
  const auto event = feed(canary, 30'000, 1, 10'000'000);
  EXPECT_EQ(canary.phase(), CanaryPhase::promoted);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::promoted);
}

TEST(Canary, RestartForgetsWhatWasCompared) {
  Canary canary(config(), 1);
  feed(canary, 5000, 2);
  ASSERT_EQ(canary.phase(), CanaryPhase::rolled_back);
  EXPECT_EQ(canary.restart("admin", "it was the disk", 9).kind, Kind::started);
  EXPECT_EQ(canary.phase(), CanaryPhase::running);
  EXPECT_EQ(canary.comparison().observed(Arm::variant), 0);
  EXPECT_FALSE(canary.comparison().worse());
}

TEST(Canary, ItsStoryHasTheLooksAtEveryDoublingAndABound) {
  Canary canary(config(), 1);
  feed(canary, 3000, 1);
  int looks = 0;
  for (const CanaryEvent& event : canary.story()) looks += event.kind == Kind::looked ? 1 : 0;
  EXPECT_GE(looks, 4);
  EXPECT_LE(looks, 7);
  EXPECT_EQ(canary.looks(), 300);
  for (int i = 0; i < 200; ++i) canary.restart("admin", "", i);
  EXPECT_EQ(canary.story().size(), Canary::kStoryEvents);
}

TEST(Canary, GoesOnWhereItWas) {
  Canary whole(config(), 1);
  Canary first(config(), 1);
  std::mt19937_64 random(23);
  std::vector<Observation> stream;
  for (int i = 0; i < 2000; ++i) {
    const Arm arm = whole.arm_for(random());
    stream.push_back(seen(arm, 1 + static_cast<double>(random() % 100) / 100));
  }
  for (int i = 0; i < 1000; ++i) first.observe(stream[static_cast<std::size_t>(i)], i);
  Canary second(config(), first.state(), 5000);
  for (int i = 1000; i < 2000; ++i) second.observe(stream[static_cast<std::size_t>(i)], i);
  for (int i = 0; i < 2000; ++i) whole.observe(stream[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(second.comparison().save(), whole.comparison().save());
  EXPECT_EQ(second.looks(), whole.looks());
}

}  // namespace
}  // namespace sovereign::gateway
