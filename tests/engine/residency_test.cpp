#include "engine/residency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace sovereign::engine {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Verdict = Residency::Verdict;
using State = Residency::State;

constexpr Time kStart{std::chrono::hours(1)};
constexpr Time kNever = Time::max();

class ResidencyTest : public testing::Test {
 protected:
  ResidencyTest() : core_({.budget_bytes = 100, .turn = 2s, .after_failure = 5s}) {
    core_.add(1, 60);
    core_.add(2, 60);
    core_.add(3, 40);
  }
  // Brings it into memory for a ticket of its own, which leaves again.
  void load(Residency::Model model) {
    ASSERT_EQ(core_.enter(model, 1000 + model, kNever, now_), Verdict::waits);
    ASSERT_EQ(core_.next(now_).load, model);
    core_.loaded(model, now_);
    ASSERT_THAT(core_.next(now_).admitted, ElementsAre(1000 + model));
    core_.leave(model, now_);
    now_ += 1ms;
  }
  Residency core_;
  Time now_ = kStart;
};

TEST_F(ResidencyTest, LoadsWhatIsAskedForAndLetsAllWhoWaitIn) {
  EXPECT_EQ(core_.enter(1, 11, kNever, now_), Verdict::waits);
  EXPECT_EQ(core_.enter(1, 12, kNever, now_), Verdict::waits);
  auto step = core_.next(now_);
  EXPECT_EQ(step.load, 1U);
  EXPECT_THAT(step.admitted, IsEmpty());
  EXPECT_FALSE(core_.next(now_).load);  // one at a time
  core_.loaded(1, now_);
  EXPECT_THAT(core_.next(now_).admitted, ElementsAre(11U, 12U));
  EXPECT_EQ(core_.users(1), 2U);
  EXPECT_EQ(core_.enter(1, 13, kNever, now_), Verdict::admitted);
}

TEST_F(ResidencyTest, UnloadsTheLeastRecentlyUsedOneWhenThereIsNoRoom) {
  load(1);
  load(3);
  EXPECT_EQ(core_.bytes_in_use(), 100U);
  ASSERT_EQ(core_.enter(1, 20, kNever, now_), Verdict::admitted);
  core_.leave(1, now_ + 1ms);  // 3 was used before 1
  ASSERT_EQ(core_.enter(2, 21, kNever, now_ + 2ms), Verdict::waits);
  EXPECT_EQ(core_.next(now_ + 2ms).unload, 3U);
  core_.unloaded(3);
  EXPECT_EQ(core_.next(now_ + 2ms).unload, 1U);  // 3 alone did not make room
  core_.unloaded(1);
  EXPECT_EQ(core_.next(now_ + 2ms).load, 2U);
}

TEST_F(ResidencyTest, AModelInUseIsNotUnloadedAndTheRequestWaits) {
  load(1);
  ASSERT_EQ(core_.enter(1, 20, kNever, now_), Verdict::admitted);
  ASSERT_EQ(core_.enter(2, 21, kNever, now_), Verdict::waits);
  auto step = core_.next(now_);
  EXPECT_FALSE(step.unload || step.load);
  core_.leave(1, now_);
  EXPECT_EQ(core_.next(now_).unload, 1U);
}

TEST_F(ResidencyTest, NothingIsUnloadedForWhatWouldNotFitEvenThen) {
  load(3);
  load(1);
  ASSERT_EQ(core_.enter(1, 20, kNever, now_), Verdict::admitted);
  ASSERT_EQ(core_.enter(2, 21, kNever, now_), Verdict::waits);
  EXPECT_FALSE(core_.next(now_).unload);  // unloading 3 would not make room for 2 beside 1
}

TEST_F(ResidencyTest, UsersThatComeAgainAndAgainCannotKeepAnotherModelOut) {
  load(1);
  ASSERT_EQ(core_.enter(1, 20, kNever, now_), Verdict::admitted);
  ASSERT_EQ(core_.enter(2, 21, kNever, now_), Verdict::waits);
  core_.next(now_);
  EXPECT_EQ(core_.enter(1, 22, kNever, now_ + 1s), Verdict::admitted);
  EXPECT_EQ(core_.wake_at(now_ + 1s), now_ + 2s);
  core_.next(now_ + 2s);
  EXPECT_EQ(core_.enter(1, 23, kNever, now_ + 2s), Verdict::waits);
  core_.leave(1, now_ + 3s);
  core_.leave(1, now_ + 3s);
  EXPECT_EQ(core_.next(now_ + 3s).unload, 1U);
  core_.unloaded(1);
  EXPECT_EQ(core_.next(now_ + 3s).load, 2U);
  core_.loaded(2, now_ + 3s);
  EXPECT_THAT(core_.next(now_ + 3s).admitted, ElementsAre(21U));
}

TEST_F(ResidencyTest, OneThatGaveUpItsTurnIsYieldedToNoLonger) {
  load(1);
  ASSERT_EQ(core_.enter(1, 20, kNever, now_), Verdict::admitted);
  ASSERT_EQ(core_.enter(2, 21, kNever, now_), Verdict::waits);
  core_.next(now_ + 2s);
  ASSERT_EQ(core_.enter(1, 22, kNever, now_ + 2s), Verdict::waits);
  EXPECT_TRUE(core_.withdraw(21));
  EXPECT_THAT(core_.next(now_ + 2s).admitted, ElementsAre(22U));
}

TEST_F(ResidencyTest, AWaitEndsAtItsDeadline) {
  ASSERT_EQ(core_.enter(1, 11, now_ + 1s, now_), Verdict::waits);
  EXPECT_EQ(core_.next(now_).load, 1U);
  EXPECT_EQ(core_.wake_at(now_), now_ + 1s);
  EXPECT_THAT(core_.next(now_ + 1s - 1ns).expired, IsEmpty());
  EXPECT_THAT(core_.next(now_ + 1s).expired, ElementsAre(11U));
  core_.loaded(1, now_ + 2s);
  EXPECT_THAT(core_.next(now_ + 2s).admitted, IsEmpty());
  EXPECT_EQ(core_.wake_at(now_ + 2s), std::nullopt);
}

TEST_F(ResidencyTest, AFailureReachesAllWhoWaitedAndIsForgottenAfterAWhile) {
  ASSERT_EQ(core_.enter(1, 11, kNever, now_), Verdict::waits);
  ASSERT_EQ(core_.next(now_).load, 1U);
  std::vector<Residency::Ticket> orphans;
  core_.failed(1, now_, orphans);
  EXPECT_THAT(orphans, ElementsAre(11U));
  EXPECT_EQ(core_.enter(1, 12, kNever, now_ + 4s), Verdict::failed_lately);
  EXPECT_EQ(core_.enter(1, 13, kNever, now_ + 5s), Verdict::waits);
  EXPECT_EQ(core_.next(now_ + 5s).load, 1U);
  core_.loaded(1, now_ + 6s);
  EXPECT_THAT(core_.next(now_ + 6s).admitted, ElementsAre(13U));
}

TEST_F(ResidencyTest, WhatCannotFitIsRefusedAtOnceAndPinnedBytesCount) {
  core_.add(9, 101);
  EXPECT_EQ(core_.enter(9, 1, kNever, now_), Verdict::too_large);
  core_.set_pinned_bytes(50);
  EXPECT_EQ(core_.enter(1, 2, kNever, now_), Verdict::too_large);
  EXPECT_EQ(core_.enter(3, 3, kNever, now_), Verdict::waits);
}

TEST_F(ResidencyTest, ARetiredModelLeavesWhenItsLastUserDoes) {
  load(1);
  ASSERT_EQ(core_.enter(1, 20, kNever, now_), Verdict::admitted);
  std::vector<Residency::Ticket> orphans;
  core_.retire(1, orphans);
  EXPECT_THAT(orphans, IsEmpty());
  EXPECT_FALSE(core_.next(now_).unload);
  core_.leave(1, now_);
  EXPECT_EQ(core_.next(now_).unload, 1U);
  core_.unloaded(1);
  EXPECT_FALSE(core_.has(1));
  core_.enter(2, 30, kNever, now_);
  core_.retire(2, orphans);
  EXPECT_THAT(orphans, ElementsAre(30U));
  EXPECT_FALSE(core_.has(2));
}

// Two models that were both waited for took each other's place without ever answering: a model was unloaded
// between its load and the admission of those who waited for it.
TEST_F(ResidencyTest, AModelThatWasLoadedAnswersBeforeItMakesRoomForTheNext) {
  ASSERT_EQ(core_.enter(1, 11, kNever, now_), Verdict::waits);
  ASSERT_EQ(core_.enter(2, 21, kNever, now_), Verdict::waits);
  ASSERT_EQ(core_.next(now_).load, 1U);
  core_.loaded(1, now_ + 10s);  // the other's turn has come long since
  const auto step = core_.next(now_ + 10s);
  EXPECT_THAT(step.admitted, ElementsAre(11U));
  EXPECT_FALSE(step.unload);
  core_.leave(1, now_ + 11s);
  EXPECT_EQ(core_.next(now_ + 11s).unload, 1U);
  core_.unloaded(1);
  EXPECT_EQ(core_.next(now_ + 11s).load, 2U);
}

// A world of requests in random order, checked at each step apart from the code.
RC_GTEST_PROP(ResidencyProperty, NeverTooMuchNeverInUseAndEveryOneGetsItsTurn, ()) {
  const auto budget = *rc::gen::inRange<std::uint64_t>(50, 200);
  const auto models = *rc::gen::inRange<std::uint64_t>(1, 6);
  Residency core({.budget_bytes = budget, .turn = 2s, .after_failure = 5s});
  std::map<Residency::Model, std::uint64_t> bytes;
  for (std::uint64_t model = 1; model <= models; ++model) {
    bytes[model] = *rc::gen::inRange<std::uint64_t>(1, budget + 1);
    core.add(model, bytes[model]);
  }
  std::map<Residency::Ticket, Residency::Model> waits;
  std::vector<Residency::Model> users;  // one entry for each
  std::optional<Residency::Model> loading;
  std::optional<Residency::Model> unloading;
  Time now = kStart;
  std::uint64_t ticket = 0;
  const auto advance = [&] {
    const auto step = core.next(now);
    for (const auto id : step.admitted) {
      RC_ASSERT(waits.contains(id));
      users.push_back(waits[id]);
      waits.erase(id);
    }
    RC_ASSERT(step.expired.empty());
    if (step.load) {
      RC_ASSERT(!loading && !unloading);
      loading = step.load;
    }
    if (step.unload) {
      RC_ASSERT(!loading && !unloading);
      RC_ASSERT(std::count(users.begin(), users.end(), *step.unload) == 0);
      unloading = step.unload;
    }
    RC_ASSERT(core.bytes_in_use() <= budget);
  };
  const auto finish = [&] {
    if (loading) core.loaded(*loading, now);
    if (unloading) core.unloaded(*unloading);
    loading.reset();
    unloading.reset();
  };
  const auto leave = [&] {
    if (users.empty()) return;
    core.leave(users.back(), now);
    users.pop_back();
  };
  const auto moves = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
  for (const int move : moves) {
    now += 300ms;
    if (move < 6) {
      const auto model = 1 + static_cast<std::uint64_t>(move) % models;
      const auto verdict = core.enter(model, ++ticket, kNever, now);
      if (verdict == Verdict::waits) waits[ticket] = model;
      if (verdict == Verdict::admitted) users.push_back(model);
    } else if (move < 8) {
      leave();
    } else {
      finish();
    }
    advance();
  }
  // When users leave and loads end, everybody who waits is let in.
  for (std::size_t i = 0; i < 20 * (moves.size() + 1) && !waits.empty(); ++i) {
    now += 300ms;
    finish();
    while (!users.empty()) leave();
    advance();
  }
  RC_ASSERT(waits.empty());
}

}  // namespace
}  // namespace sovereign::engine
