// The pipeline that answers queries now; a new configuration may put another one in its place. Runs hold the
// one that they began with. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "runtime/pipeline.h"

namespace sovereign::server::openai {

class PipelineSlot {
 public:
  // Empty until set() was called.
  explicit PipelineSlot(std::shared_ptr<const runtime::Pipeline> pipeline = nullptr)
      : pipeline_(std::move(pipeline)) {}

  void set(std::shared_ptr<const runtime::Pipeline> pipeline) {
    const std::lock_guard lock(mutex_);
    pipeline_.swap(pipeline);
  }
  std::shared_ptr<const runtime::Pipeline> get() const {
    const std::lock_guard lock(mutex_);
    return pipeline_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const runtime::Pipeline> pipeline_;  // guarded by mutex_
};

}  // namespace sovereign::server::openai
