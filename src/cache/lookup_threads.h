// Threads on which levels that may be slow are looked into, so that a slow disk or another server holds none
// of the threads that all other work needs.
//
// Looking into a cache is worth a little waiting only: who has waited `max_wait` for a thread, or finds
// `max_waiting` before him, goes on without. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sovereign::cache {

struct LookupThreadsConfig {
  std::size_t threads = 4;
  std::size_t max_waiting = 256;
  std::chrono::milliseconds max_wait{50};
};

class LookupThreads {
 public:
  // Called once, with true to look, with false when it took too long to get there. It must not throw.
  using Lookup = std::function<void(bool look)>;

  explicit LookupThreads(LookupThreadsConfig config);
  // Those who wait are told false; those who look come to their end.
  ~LookupThreads();
  LookupThreads(const LookupThreads&) = delete;
  LookupThreads& operator=(const LookupThreads&) = delete;

  // False: too many wait, and the lookup is not called.
  bool post(Lookup lookup);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Waiting {
    Lookup lookup;
    SteadyTime until;
  };

  void look();
  void turn_away();

  const LookupThreadsConfig config_;
  std::mutex mutex_;
  std::condition_variable arrived_;  // for the threads that look
  std::condition_variable changed_;  // for the one that turns away
  std::deque<Waiting> waiting_;      // oldest first
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sovereign::cache
