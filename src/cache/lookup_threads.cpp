#include "cache/lookup_threads.h"

#include <utility>

namespace sovereign::cache {

LookupThreads::LookupThreads(LookupThreadsConfig config) : config_(config) {
  for (std::size_t i = 0; i < config_.threads; ++i) threads_.emplace_back([this] { look(); });
  threads_.emplace_back([this] { turn_away(); });
}

LookupThreads::~LookupThreads() {
  std::deque<Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    left.swap(waiting_);
  }
  arrived_.notify_all();
  changed_.notify_all();
  for (Waiting& each : left) each.lookup(false);
  for (std::thread& thread : threads_) thread.join();
}

bool LookupThreads::post(Lookup lookup) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || waiting_.size() >= config_.max_waiting) return false;
    waiting_.push_back({std::move(lookup), std::chrono::steady_clock::now() + config_.max_wait});
  }
  arrived_.notify_one();
  changed_.notify_one();
  return true;
}

void LookupThreads::look() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next.lookup(std::chrono::steady_clock::now() < next.until);
    next.lookup = nullptr;  // what it holds may take its time to go
    lock.lock();
  }
}

// A thread of its own: the others may all be stuck in a disk that does not answer.
void LookupThreads::turn_away() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else if (const SteadyTime until = waiting_.front().until; std::chrono::steady_clock::now() < until) {
      changed_.wait_until(lock, until);
    } else {
      Waiting late = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      late.lookup(false);
      late.lookup = nullptr;
      lock.lock();
    }
  }
}

}  // namespace sovereign::cache
