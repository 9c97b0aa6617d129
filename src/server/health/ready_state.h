// Whether this server should be sent requests, as far as its own life goes: loading, ready, draining.
#pragma once

#include <atomic>
#include <string_view>

namespace sovereign::server {

// Thread-safe. Goes forward only: who drains is never ready again.
class ReadyState {
 public:
  enum class Phase { loading, ready, draining };

  Phase phase() const noexcept { return phase_.load(std::memory_order_acquire); }
  // The model is loaded. No effect when draining has begun.
  void set_ready() noexcept {
    auto loading = Phase::loading;
    phase_.compare_exchange_strong(loading, Phase::ready, std::memory_order_acq_rel);
  }
  void set_draining() noexcept { phase_.store(Phase::draining, std::memory_order_release); }

 private:
  std::atomic<Phase> phase_{Phase::loading};
};

constexpr std::string_view to_string(ReadyState::Phase phase) {
  switch (phase) {
    case ReadyState::Phase::loading: return "loading";
    case ReadyState::Phase::ready: return "ready";
    case ReadyState::Phase::draining: return "draining";
  }
  return "unknown";
}

}  // namespace sovereign::server
