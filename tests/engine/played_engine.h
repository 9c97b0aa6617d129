// An engine without a model: it answers each request with one token when it is told to, or at once.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "engine/inference_engine.h"

namespace sovereign::engine {

class PlayedEngine final : public InferenceEngine {
 public:
  // `alive` counts engines that are there.
  PlayedEngine(std::atomic<int>& alive, bool at_once) : alive_(alive), at_once_(at_once) { ++alive_; }
  ~PlayedEngine() override {
    finish_all(FinishReason::cancelled);
    --alive_;
  }

  result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) override {
    if (request.prompt.empty())
      return fail(ErrorCode::invalid_argument, "the prompt has no tokens", "prompt");
    RequestId id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++last_;
      open_.emplace(id, sink);
    }
    if (at_once_) finish(id, FinishReason::stop);
    return id;
  }
  void cancel(RequestId id) noexcept override { finish(id, FinishReason::cancelled); }
  void drain() noexcept override {}
  bool idle() const noexcept override { return open() == 0; }
  void add_metrics(EngineMetrics& total) const override {
    total.requests_finished.fetch_add(finished_);
    total.kv_cells_total.fetch_add(10);
  }
  Duration stalled_for(Time) const noexcept override { return stalled_for_; }
  void stall_for(Duration duration) { stalled_for_ = duration; }
  std::uint32_t max_queued() const noexcept override { return 1000; }
  std::uint32_t context_tokens() const noexcept override { return 100; }

  std::size_t open() const {
    const std::lock_guard lock(mutex_);
    return open_.size();
  }
  void finish_all(FinishReason reason = FinishReason::stop) {
    while (true) {
      RequestId id = 0;
      {
        const std::lock_guard lock(mutex_);
        if (open_.empty()) return;
        id = open_.begin()->first;
      }
      finish(id, reason);
    }
  }

 private:
  void finish(RequestId id, FinishReason reason) {
    std::shared_ptr<GenerationSink> sink;
    {
      const std::lock_guard lock(mutex_);
      const auto found = open_.find(id);
      if (found == open_.end()) return;
      sink = std::move(found->second);
      open_.erase(found);
      ++finished_;
    }
    GenerationDelta delta;
    delta.tokens = 1;
    delta.text = "x";
    delta.finish = reason;
    sink->on_delta(std::move(delta));
    sink->on_done({});
  }

  std::atomic<int>& alive_;
  const bool at_once_;
  std::atomic<Duration> stalled_for_{Duration::zero()};
  mutable std::mutex mutex_;
  RequestId last_ = 0;
  std::uint64_t finished_ = 0;
  std::map<RequestId, std::shared_ptr<GenerationSink>> open_;
};

}  // namespace sovereign::engine
