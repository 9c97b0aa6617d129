// A thread that runs an event loop, for clients whose callers have none.
//
// Destruction waits until all that was begun on the loop has ended: end it first (stop tokens, cancelled
// timers), and not from the loop's own thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace sovereign::net {

class EventLoop {
 public:
  EventLoop() : work_(context_.get_executor()), thread_([this] { context_.run(); }) {}
  ~EventLoop() {
    work_.reset();
    thread_.join();
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Thread-safe to post to; runs one handler at a time.
  boost::asio::io_context::executor_type executor() { return context_.get_executor(); }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace sovereign::net
