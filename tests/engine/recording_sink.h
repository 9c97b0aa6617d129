// A sink that keeps what it is given and lets a test wait for it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/generation.h"

namespace sovereign::engine {

class RecordingSink final : public GenerationSink {
 public:
  struct ChoiceRecord {
    std::string text;
    std::uint32_t tokens = 0;
    std::vector<TokenLogprob> logprobs;
    std::optional<FinishReason> finish;
    std::uint32_t finishes = 0;
  };

  // `on_token` runs on the engine thread, for tests that act in the middle.
  explicit RecordingSink(std::function<void()> on_token = {}) : on_token_(std::move(on_token)) {}

  void on_delta(GenerationDelta delta) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      ChoiceRecord& choice = choices_[delta.choice];
      choice.text += delta.text;
      choice.tokens += delta.tokens;
      if (!delta.embedding.empty()) embedding_ = delta.embedding;
      choice.logprobs.insert(choice.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
      if (delta.finish) {
        choice.finish = delta.finish;
        ++choice.finishes;
      }
      total_tokens_ += delta.tokens;
    }
    changed_.notify_all();
    if (on_token_) on_token_();
  }

  void on_done(const GenerationSummary& summary) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      summary_ = summary;
      ++dones_;
    }
    changed_.notify_all();
  }

  GenerationSummary wait_done() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return dones_ > 0; });
    return summary_;
  }
  void wait_tokens(std::uint32_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return total_tokens_ >= count || dones_ > 0; });
  }

  ChoiceRecord choice(std::uint32_t index = 0) {
    const std::lock_guard lock(mutex_);
    return choices_[index];
  }
  std::vector<float> embedding() {
    const std::lock_guard lock(mutex_);
    return embedding_;
  }
  std::uint32_t dones() {
    const std::lock_guard lock(mutex_);
    return dones_;
  }

 private:
  std::function<void()> on_token_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint32_t, ChoiceRecord> choices_;
  std::vector<float> embedding_;
  std::uint32_t total_tokens_ = 0;
  GenerationSummary summary_;
  std::uint32_t dones_ = 0;
};

}  // namespace sovereign::engine
