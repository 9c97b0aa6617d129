// Remembers what a query's client is told, and checks that it is told in order.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "runtime/query_client.h"

namespace sovereign::testing {

class RecordingClient final : public runtime::QueryClient {
 public:
  void on_accepted(std::function<void()> leave) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(leave_) << "accepted twice";
    leave_ = std::move(leave);
  }
  void on_begin(const runtime::Beginning& beginning) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(beginning_ || ended()) << "begun twice, or after the end";
    beginning_ = beginning;
  }
  void on_delta(engine::GenerationDelta delta) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(beginning_ && !ended()) << "a delta before the beginning or after the end";
    text_ += delta.text;
    ++deltas_;
  }
  void on_result(std::shared_ptr<const runtime::SovereignResult> result) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended()) << "two ends";
    result_ = std::move(result);
    changed_.notify_all();
  }
  void on_failure(const gateway::Failure& failure) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended()) << "two ends";
    failure_ = failure;
    changed_.notify_all();
  }

  void leave() {
    std::function<void()> leave;
    {
      const std::lock_guard lock(mutex_);
      leave = leave_;
    }
    leave();
  }

  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  std::size_t deltas() const {
    const std::lock_guard lock(mutex_);
    return deltas_;
  }
  std::optional<runtime::Beginning> beginning() const {
    const std::lock_guard lock(mutex_);
    return beginning_;
  }
  std::shared_ptr<const runtime::SovereignResult> result() const {
    const std::lock_guard lock(mutex_);
    return result_;
  }
  std::optional<gateway::Failure> failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended(); });
  }

 private:
  bool ended() const { return result_ != nullptr || failure_.has_value(); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> leave_;
  std::optional<runtime::Beginning> beginning_;
  std::string text_;
  std::size_t deltas_ = 0;
  std::shared_ptr<const runtime::SovereignResult> result_;
  std::optional<gateway::Failure> failure_;
};

}  // namespace sovereign::testing
