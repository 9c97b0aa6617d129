// A backend whose part the test plays: each generation is handed over, to be answered, failed or left alone.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gateway/backend.h"

namespace sovereign::testing {

// Thread-safe.
class PlayedBackend final : public gateway::Backend {
 public:
  struct Call {
    std::uint64_t id = 0;
    gateway::GenerateRequest request;
    std::shared_ptr<gateway::GenerateSink> sink;

    void say(const std::string& text) const {
      engine::GenerationDelta delta;
      delta.text = text;
      delta.tokens = 1;
      sink->on_delta(std::move(delta));
    }
    void end(engine::FinishReason reason = engine::FinishReason::stop) const {
      engine::GenerationDelta delta;
      delta.finish = reason;
      sink->on_delta(std::move(delta));
      engine::GenerationSummary summary;
      if (reason == engine::FinishReason::error)
        summary.error = Error{ErrorCode::internal, "engine broke", {}};
      sink->on_done(summary);
    }
    void answer(const std::string& text) const {
      sink->on_begin(nullptr);
      say(text);
      end();
    }
    void fail(ErrorCode code = ErrorCode::unavailable) const { sink->on_failure({code, "it failed"}); }
  };

  explicit PlayedBackend(std::string name) {
    identity_.model = name;
    identity_.digest = "digest of " + name;
  }

  const gateway::BackendIdentity& identity() const override { return identity_; }
  gateway::BackendCapabilities capabilities() const override { return {1024, 100}; }
  gateway::outcome<std::uint64_t> generate(gateway::GenerateRequest request,
                                           std::shared_ptr<gateway::GenerateSink> sink) override {
    const std::lock_guard lock(mutex_);
    ++asked_;
    if (refusal_) return tl::unexpected<gateway::Failure>(*refusal_);
    calls_.push_back({asked_, std::move(request), std::move(sink)});
    return asked_;
  }
  void cancel(std::uint64_t generation) noexcept override {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(generation);
  }

  void probe(std::function<void(gateway::ProbeReport)> done) override {
    gateway::ProbeReport report;
    {
      const std::lock_guard lock(mutex_);
      report = report_;
    }
    done(std::move(report));
  }
  // What probes are told from now on.
  void probes_say(gateway::ProbeReport report) {
    const std::lock_guard lock(mutex_);
    report_ = std::move(report);
  }

  // The oldest generation that nobody has taken. There is one.
  Call take() {
    const std::lock_guard lock(mutex_);
    Call call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  std::uint64_t asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::vector<std::uint64_t> cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }
  // From now on; nothing: it takes generations again.
  void refuse_with(std::optional<gateway::Failure> refusal) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(refusal);
  }

 private:
  gateway::BackendIdentity identity_;
  mutable std::mutex mutex_;
  std::uint64_t asked_ = 0;
  std::deque<Call> calls_;
  std::vector<std::uint64_t> cancelled_;
  std::optional<gateway::Failure> refusal_;
  gateway::ProbeReport report_;
};

}  // namespace sovereign::testing
