// A thread that runs an event loop, for clients whose callers have none.
//
// Destruction waits until all that was begun on the loop has ended, but for jobs whose time has not come: end
// it first (stop tokens, cancelled timers), and not from the loop's own thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <thread>

#include "base/clock.h"

namespace sovereign::net {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop() { finish(); }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // The loop that this thread runs; null: none.
  static EventLoop* current() noexcept;

  // Both are thread-safe to post to; one handler runs at a time. What a handler throws is logged.
  boost::asio::io_context::executor_type executor() { return context_.get_executor(); }
  boost::asio::io_context& context() { return context_; }

  // Runs a job on the loop when that time has come; never, if the loop ends before. Thread-safe.
  void run_at(Time when, std::function<void()> job);

  // As destruction, but what is posted later finds the loop still there, and is dropped with it. Several
  // calls are as one; from one thread.
  void finish();

 private:
  void run() noexcept;

  boost::asio::io_context context_{1};
  bool ending_ = false;                          // on the loop
  std::list<boost::asio::steady_timer> timers_;  // likewise
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace sovereign::net
