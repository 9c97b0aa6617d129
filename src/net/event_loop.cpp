#include "net/event_loop.h"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace sovereign::net {
namespace {

thread_local EventLoop* running = nullptr;

}  // namespace

EventLoop::EventLoop() : work_(context_.get_executor()), thread_([this] { run(); }) {}

EventLoop* EventLoop::current() noexcept { return running; }

void EventLoop::run() noexcept {
  running = this;
  // One handler's failure must not end what the others are doing.
  while (true) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {
      spdlog::error("a task on an io thread failed: {}", error.what());
    }
  }
}

void EventLoop::run_at(Time when, std::function<void()> job) {
  boost::asio::post(context_, [this, when, work = std::move(job)]() mutable {
    if (ending_) return;
    const auto timer = timers_.emplace(timers_.end(), context_, when);
    timer->async_wait([this, timer, due = std::move(work)](const boost::system::error_code& ec) {
      timers_.erase(timer);
      if (!ec) due();
    });
  });
}

void EventLoop::finish() {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] {
    ending_ = true;
    for (auto& timer : timers_) timer.cancel();
  });
  work_.reset();
  thread_.join();
}

}  // namespace sovereign::net
