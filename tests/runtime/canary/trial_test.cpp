#include "runtime/canary/trial.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "support/temporary_folder.h"

namespace sovereign::runtime {
namespace {

using gateway::Arm;
using gateway::CanaryConfig;
using gateway::CanaryEvent;
using gateway::CanaryPhase;
using gateway::Observation;

class Trial : public ::testing::Test {
 protected:
  static CanaryConfig config(std::string configuration = "a") {
    CanaryConfig config;
    config.name = "bigger";
    config.configuration = std::move(configuration);
    return config;
  }
  std::unique_ptr<CanaryTrial> open(std::string configuration = "a") {
    auto trial = CanaryTrial::open(config(std::move(configuration)), file_);
    EXPECT_TRUE(trial) << trial.error().message;
    return trial ? std::move(*trial) : nullptr;
  }
  // Every tenth query is the variant's, and it fails.
  static void feed_failures(CanaryTrial& trial, int queries) {
    for (int i = 0; i < queries && trial.phase() == CanaryPhase::running; ++i) {
      Observation seen;
      seen.arm = i % 10 == 3 ? Arm::variant : Arm::control;
      seen.failed = seen.arm == Arm::variant;
      if (!seen.failed) seen.seconds[0] = 1;
      trial.observe(seen, trial.round());
    }
  }

  sovereign::testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "canary.json";
};

TEST_F(Trial, IsRolledBackAndStaysSoAfterARestart) {
  {
    const auto trial = open();
    ASSERT_NE(trial, nullptr);
    EXPECT_EQ(trial->phase(), CanaryPhase::running);
    feed_failures(*trial, 1000);
    EXPECT_EQ(trial->phase(), CanaryPhase::rolled_back);
    EXPECT_EQ(trial->arm_for(1), Arm::control);
    EXPECT_GT(trial->view().variant.failed, 0U);
  }
  {
    const auto trial = open();
    ASSERT_NE(trial, nullptr);
    EXPECT_EQ(trial->phase(), CanaryPhase::rolled_back);
    const auto view = trial->view();
    EXPECT_EQ(view.story.back().kind, CanaryEvent::Kind::rolled_back);
    EXPECT_NE(view.story.back().why.find("errors"), std::string::npos) << view.story.back().why;
  }
  EXPECT_EQ(open("b")->phase(), CanaryPhase::running);
}

TEST_F(Trial, GoesOnWithWhatItHasCompared) {
  {
    const auto trial = open();
    Observation seen;
    for (int i = 0; i < 100; ++i) {
      seen.arm = i % 10 == 3 ? Arm::variant : Arm::control;
      seen.seconds[0] = 1 + i % 7;
      trial->observe(seen, trial->round());
    }
  }
  const auto view = open()->view();
  EXPECT_EQ(view.controls, 90);
  EXPECT_EQ(view.variants, 10);
  EXPECT_EQ(view.looks, 10);
}

TEST_F(Trial, IsPromotedAndRestartedByAnAdministrator) {
  {
    const auto trial = open();
    ASSERT_TRUE(trial->promote("admin", "good"));
    EXPECT_EQ(trial->arm_for(7), Arm::variant);
    EXPECT_EQ(trial->promote("admin", "").error().code, ErrorCode::already_exists);
  }
  const auto trial = open();
  EXPECT_EQ(trial->phase(), CanaryPhase::promoted);
  ASSERT_TRUE(trial->roll_back("admin", "not so good"));
  ASSERT_TRUE(trial->restart("admin", "again"));
  EXPECT_EQ(trial->phase(), CanaryPhase::running);
  EXPECT_EQ(trial->view().story.back().why, "again");
}

TEST_F(Trial, AnUnreadableStateMayHaveBeenRolledBack) {
  std::ofstream(file_) << "{\"version\":1,";
  const auto trial = open();
  ASSERT_NE(trial, nullptr);
  EXPECT_EQ(trial->phase(), CanaryPhase::rolled_back);
  EXPECT_TRUE(trial->restart("admin", ""));
  EXPECT_EQ(trial->phase(), CanaryPhase::running);
}

TEST_F(Trial, ItsFileHasOneOwner) {
  const auto trial = open();
  const auto second = CanaryTrial::open(config(), file_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
}

// Killed at any moment, a verdict that was told is found again.
TEST_F(Trial, AVerdictSurvivesBeingKilled) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto trial = CanaryTrial::open(config(), file_);
    const bool done = trial && (*trial)->roll_back("admin", "killed after this");
    const char told = done ? 'y' : 'n';
    if (::write(pipe[1], &told, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char told = 0;
  ASSERT_EQ(::read(pipe[0], &told, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(told, 'y');
  EXPECT_EQ(open()->phase(), CanaryPhase::rolled_back);
}

TEST_F(Trial, ADiskThatRefusesIsToldAndTheVerdictHolds) {
  const auto trial = open();
  std::filesystem::remove_all(folder_.path());
  const auto rolled = trial->roll_back("admin", "");
  EXPECT_FALSE(rolled);
  EXPECT_EQ(trial->phase(), CanaryPhase::rolled_back);
  EXPECT_EQ(trial->view().save_failures, 1U);
  std::filesystem::create_directories(folder_.path());
}

TEST_F(Trial, ManyThreadsObserveAtOnce) {
  const auto trial = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&trial, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 2000; ++i) {
        Observation seen;
        seen.arm = trial->arm_for(random());
        seen.seconds[0] = 1 + static_cast<double>(random() % 10);
        trial->observe(seen, trial->round());
        if (i % 500 == 0) trial->view();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto view = trial->view();
  EXPECT_EQ(view.controls + view.variants, 8000);
  EXPECT_EQ(view.control.answered + view.variant.answered, 8000U);
}

}  // namespace
}  // namespace sovereign::runtime
