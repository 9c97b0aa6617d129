// A thread that runs an event loop, for clients whose callers have none.
//
// Destruction waits until all that was begun on the loop has ended, but for jobs whose time has not come: end
// it first (stop tokens, cancelled timers), and not from the loop's own thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <thread>
#include <utility>

#include "base/clock.h"

namespace sovereign::net {

class EventLoop {
 public:
  EventLoop() : work_(context_.get_executor()), thread_([this] { context_.run(); }) {}
  ~EventLoop() {
    boost::asio::post(context_, [this] {
      ending_ = true;
      for (auto& timer : timers_) timer.cancel();
    });
    work_.reset();
    thread_.join();
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Thread-safe to post to; runs one handler at a time.
  boost::asio::io_context::executor_type executor() { return context_.get_executor(); }

  // Runs a job on the loop when that time has come; never, if the loop ends before. Thread-safe.
  void run_at(Time when, std::function<void()> job) {
    boost::asio::post(context_, [this, when, work = std::move(job)]() mutable {
      if (ending_) return;
      const auto timer = timers_.emplace(timers_.end(), context_, when);
      timer->async_wait([this, timer, due = std::move(work)](const boost::system::error_code& ec) {
        timers_.erase(timer);
        if (!ec) due();
      });
    });
  }

 private:
  boost::asio::io_context context_{1};
  bool ending_ = false;                          // on the loop
  std::list<boost::asio::steady_timer> timers_;  // likewise
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace sovereign::net
