#include "base/deep_call.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <stdexcept>

namespace sovereign {
namespace {

// Some kilobytes of stack a call, which no compiler can do without.
int depth_of(int left) {
  std::array<volatile char, 4096> frame{};
  frame[static_cast<std::size_t>(left) % frame.size()] = 1;
  return left == 0 ? frame[0] : depth_of(left - 1) + frame[static_cast<std::size_t>(left) % frame.size()];
}

TEST(DeepCall, GoesDeeperThanAThreadsStack) {
  int depth = 0;
  EXPECT_TRUE(call_on_stack(std::size_t{1} << 28, [&] { depth = depth_of(20'000); }));  // 80 MB and more
  EXPECT_EQ(depth, 20'001);
}

TEST(DeepCall, PassesOnWhatIsThrown) {
  EXPECT_THROW(call_on_stack(std::size_t{1} << 20, [] { throw std::runtime_error("thrown there"); }),
               std::runtime_error);
}

TEST(DeepCall, SaysWhenThereIsNoSuchStack) {
  bool called = false;
  EXPECT_FALSE(call_on_stack(std::numeric_limits<std::size_t>::max() / 2, [&] { called = true; }));
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace sovereign
