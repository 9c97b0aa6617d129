// SIGINT, SIGTERM and SIGHUP as calls on a thread of their own, where anything may be done.
#pragma once

#include <functional>
#include <thread>

namespace sovereign {

// Blocks the three signals in the thread that makes it, hence in every thread started later: make it
// before any other thread. The callback runs on the signal thread. Destruction ends that thread and
// gives the signals back.
class SignalThread {
 public:
  explicit SignalThread(std::function<void(int)> on_signal);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd
  std::thread thread_;
};

}  // namespace sovereign
