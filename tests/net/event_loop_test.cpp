#include "net/event_loop.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace sovereign::net {
namespace {

TEST(EventLoop, RunsAJobWhenItsTimeHasCome) {
  const SteadyClock clock;
  EventLoop loop;
  std::promise<Time> ran;
  const Time when = clock.now() + std::chrono::milliseconds(20);
  loop.run_at(when, [&] { ran.set_value(clock.now()); });
  EXPECT_GE(ran.get_future().get(), when);
  std::promise<void> at_once;
  loop.run_at(clock.now() - std::chrono::hours(1), [&] { at_once.set_value(); });
  at_once.get_future().wait();
}

TEST(EventLoop, DoesNotOutstayForJobsToCome) {
  const auto held = std::make_shared<bool>(false);
  {
    EventLoop loop;
    for (int i = 0; i < 3; ++i) {
      loop.run_at(SteadyClock().now() + std::chrono::hours(1), [held] { *held = true; });
    }
  }
  EXPECT_FALSE(*held);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace sovereign::net
