#include "base/subprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace sovereign {
namespace {

TEST(Subprocess, CollectsOutputAndExitCode) {
  const auto output = run_subprocess({"sh", "-c", "echo out; echo err >&2; exit 7"});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->exit_code, 7);
  EXPECT_EQ(output->text, "out\nerr\n");
}

TEST(Subprocess, ReportsTheSignalThatEndedIt) {
  const auto output = run_subprocess({"sh", "-c", "kill -TERM $$"});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->exit_code, 128 + 15);
}

TEST(Subprocess, AMissingProgramIsNotFound) {
  const auto output = run_subprocess({"no-such-program-anywhere"});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, ErrorCode::not_found);
}

TEST(Subprocess, PassesEnvironmentAndFolder) {
  SubprocessOptions options;
  options.environment = {{"SOVEREIGN_SUBPROCESS_TEST", "a b"}};
  options.working_directory = "/";
  const auto output = run_subprocess({"sh", "-c", "echo $SOVEREIGN_SUBPROCESS_TEST; pwd; cat"}, options);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->text, "a b\n/\n") << "and standard input is empty";
}

TEST(Subprocess, KeepsTheEndOfLongOutput) {
  const auto output = run_subprocess({"sh", "-c", "yes line | head -c 1000000; echo end"});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->text.size(), 256U * 1024);
  EXPECT_TRUE(output->text.ends_with("end\n"));
}

TEST(Subprocess, CanBeCancelled) {
  SubprocessOptions options;
  int asked = 0;
  options.cancelled = [&asked] { return ++asked > 1; };
  const auto output = run_subprocess({"sleep", "600"}, options);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace sovereign
