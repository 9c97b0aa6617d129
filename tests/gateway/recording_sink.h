// Remembers what a generation's sink is told, and checks that it is told in order.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "gateway/backend.h"

namespace sovereign::testing {

class RecordingSink final : public gateway::GenerateSink {
 public:
  void on_redirect(const gateway::BackendIdentity& by) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(begun_) << "redirected after the beginning";
    answered_by_ = by.model;
    answered_in_ = by.tier;
  }
  void on_repeat() noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended()) << "after the end";
    repeats_ = true;
  }
  void on_begin(std::shared_ptr<const gateway::AnswerSyntax> syntax) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(begun_ || ended()) << "begun twice, or after the end";
    begun_ = true;
    syntax_ = std::move(syntax);
  }
  void on_delta(engine::GenerationDelta delta) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(begun_ && !ended()) << "a delta before the beginning or after the end";
    text_ += delta.text;
    ++deltas_;
    threads_.insert(std::this_thread::get_id());
    logprobs_.insert(logprobs_.end(), delta.logprobs.begin(), delta.logprobs.end());
    if (delta.finish) finish_ = delta.finish;
    changed_.notify_all();
  }
  void on_done(const engine::GenerationSummary& summary) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended()) << "two ends";
    summary_ = summary;
    changed_.notify_all();
  }
  void on_failure(const gateway::Failure& failure) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended()) << "two ends";
    failure_ = failure;
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended(); });
  }
  void wait_for_text(const std::string& text) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended() || text_ == text; });
    EXPECT_EQ(text_, text);
  }

  bool has_ended() const {
    const std::lock_guard lock(mutex_);
    return ended();
  }
  bool begun() const { return get(begun_); }
  bool repeats() const { return get(repeats_); }
  std::string text() const { return get(text_); }
  std::size_t deltas() const { return get(deltas_); }
  // That told it deltas.
  std::set<std::thread::id> threads() const { return get(threads_); }
  std::string answered_by() const { return get(answered_by_); }
  std::optional<gateway::Tier> answered_in() const { return get(answered_in_); }
  std::optional<engine::FinishReason> finish() const { return get(finish_); }
  std::vector<engine::TokenLogprob> logprobs() const { return get(logprobs_); }
  std::optional<engine::GenerationSummary> summary() const { return get(summary_); }
  std::optional<gateway::Failure> failure() const { return get(failure_); }
  engine::ChatMessage message() const {
    const std::lock_guard lock(mutex_);
    if (syntax_ == nullptr) return {text_, {}, {}};
    return syntax_->read(text_, false);
  }

 private:
  template <class T>
  T get(const T& member) const {
    const std::lock_guard lock(mutex_);
    return member;
  }
  bool ended() const { return summary_.has_value() || failure_.has_value(); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  bool repeats_ = false;
  std::shared_ptr<const gateway::AnswerSyntax> syntax_;
  std::string text_;
  std::size_t deltas_ = 0;
  std::string answered_by_;
  std::optional<gateway::Tier> answered_in_;
  std::optional<engine::FinishReason> finish_;
  std::vector<engine::TokenLogprob> logprobs_;
  std::optional<engine::GenerationSummary> summary_;
  std::optional<gateway::Failure> failure_;
  std::set<std::thread::id> threads_;
};

}  // namespace sovereign::testing
