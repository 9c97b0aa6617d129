#include "net/event_loops.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
#include <stdexcept>

namespace sovereign::net {
namespace {

std::size_t here_on(EventLoops& loops, std::size_t index) {
  std::promise<std::size_t> promise;
  boost::asio::post(loops.at(index).context(), [&] { promise.set_value(loops.here()); });
  return promise.get_future().get();
}

TEST(EventLoops, AThreadKnowsItsLoop) {
  EventLoops loops(3);
  ASSERT_EQ(loops.size(), 3U);
  for (std::size_t i = 0; i < loops.size(); ++i) EXPECT_EQ(here_on(loops, i), i);
  EXPECT_EQ(loops.here(), 0U) << "this thread runs none: the first";
  EXPECT_EQ(EventLoop::current(), nullptr);

  EventLoops others(2);
  std::promise<std::size_t> promise;
  boost::asio::post(others.at(1).context(), [&] { promise.set_value(loops.here()); });
  EXPECT_EQ(promise.get_future().get(), 0U) << "a loop of others is none of these";
}

TEST(EventLoops, ThereIsAlwaysOne) { EXPECT_EQ(EventLoops(0).size(), 1U); }

// The first has ended when the second still posts to it.
TEST(EventLoops, TheyEndTogether) {
  const auto held = std::make_shared<int>(0);
  {
    EventLoops loops(2);
    boost::asio::post(loops.at(1).context(), [&loops, held] {
      for (int i = 0; i < 1000; ++i) boost::asio::post(loops.at(0).context(), [held] { ++*held; });
    });
  }
  EXPECT_EQ(held.use_count(), 1) << "what nobody ran any more is dropped";
}

TEST(EventLoops, OneTaskThatThrowsDoesNotEndTheOthers) {
  EventLoops loops(1);
  boost::asio::post(loops.first().context(), [] { throw std::runtime_error("on purpose"); });
  EXPECT_EQ(here_on(loops, 0), 0U);
}

}  // namespace
}  // namespace sovereign::net
