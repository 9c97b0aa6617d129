// Waits for a SingleFlight's wake callback.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace sovereign::cache {

// A client's sleep until its waker rings; the ringer may outlive it.
class Bell {
 public:
  std::function<void()> ringer() {
    return [state = state_] {
      std::lock_guard lock(state->mutex);
      state->rung = true;
      state->changed.notify_all();
    };
  }
  void wait() {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->rung; });
    state_->rung = false;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool rung = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace sovereign::cache
