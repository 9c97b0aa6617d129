// A backend that says what the test wrote, when the test lets it: no model, no threads of its own.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/backend.h"

namespace sovereign::testing {

// Generations wait until the test calls step(); each step gives the oldest one its next word. Thread-safe.
class ScriptedBackend final : public gateway::Backend {
 public:
  static constexpr std::uint32_t kDrawnSeed = 4711;  // what it says that it drew

  explicit ScriptedBackend(std::vector<std::string> words) : words_(std::move(words)) {
    identity_.model = "scripted";
    identity_.fingerprint = "fp_test";
    identity_.digest = "sha256:00";
  }

  const gateway::BackendIdentity& identity() const override { return identity_; }
  gateway::BackendCapabilities capabilities() const override { return {1024, 100}; }

  gateway::outcome<std::uint64_t> generate(gateway::GenerateRequest request,
                                           std::shared_ptr<gateway::GenerateSink> sink) override {
    const std::lock_guard lock(mutex_);
    ++generations_;
    if (refusal_) return tl::unexpected<gateway::Failure>(*refusal_);
    if (redirect_) sink->on_redirect(*redirect_);
    sink->on_begin(nullptr);
    std::vector<std::string> words = words_;
    if (!scripts_.empty()) {
      words = std::move(scripts_.front());
      scripts_.pop_front();
    }
    running_.push_back({generations_, std::move(sink), 0, request.n, std::move(words),
                        request.sampling.log_likelihoods ? std::optional(log_likelihood_) : std::nullopt,
                        false, false, std::nullopt});
    if (!failures_.empty()) {
      running_.back().failure = std::move(failures_.front());
      failures_.pop_front();
    }
    requests_.push_back(std::move(request));
    return generations_;
  }
  void cancel(std::uint64_t generation) noexcept override {
    std::optional<Running> ended;
    {
      const std::lock_guard lock(mutex_);
      ++cancels_;
      const auto it = find(generation);
      if (it == running_.end()) return;
      it->cancelled = true;
      // A sink is told one thing after the other: step() says the end when it has said its word.
      if (!it->speaking) ended = take(it);
    }
    if (ended) end(*ended->sink, ended->choices, engine::FinishReason::cancelled, 0);
  }

  // False when nothing runs.
  bool step() {
    std::shared_ptr<gateway::GenerateSink> sink;
    std::uint64_t id = 0;
    std::uint32_t choices = 0;
    std::optional<float> log_likelihood;
    std::string word;
    std::optional<Running> ended;
    {
      const std::lock_guard lock(mutex_);
      const auto it =
          std::find_if(running_.begin(), running_.end(), [](const Running& r) { return !r.speaking; });
      if (it == running_.end()) return false;
      if (it->next == it->words.size()) {
        ended = take(it);
      } else {
        id = it->id;
        sink = it->sink;
        choices = it->choices;
        log_likelihood = it->log_likelihood;
        word = it->words[it->next++];
        it->speaking = true;
      }
    }
    if (ended && ended->failure) {
      ended->sink->on_failure(*ended->failure);
      return true;
    }
    if (ended) {
      end(*ended->sink, ended->choices, finish_, ended->next);
      return true;
    }
    for (std::uint32_t choice = 0; choice < choices; ++choice) {
      engine::GenerationDelta delta;
      delta.choice = choice;
      delta.tokens = 1;
      delta.text = word;
      if (log_likelihood) delta.log_likelihoods.push_back(*log_likelihood);
      sink->on_delta(std::move(delta));
    }
    {
      const std::lock_guard lock(mutex_);
      const auto it = find(id);
      it->speaking = false;
      if (it->cancelled) ended = take(it);
    }
    if (ended) end(*ended->sink, ended->choices, engine::FinishReason::cancelled, 0);
    return true;
  }
  void run_to_end() {
    while (step()) {
    }
  }

  void refuse_with(Error error) { refusal_ = std::move(error); }
  void finish_with(engine::FinishReason reason) { finish_ = reason; }
  // From now on another answers in its place; none: it answers itself.
  void redirect_to(std::optional<gateway::BackendIdentity> other) { redirect_ = std::move(other); }
  void say(std::vector<std::string> words) { words_ = std::move(words); }
  // What the next generations say, one after the other; those after them say what say() told.
  void say_in_turn(std::deque<std::vector<std::string>> scripts) {
    const std::lock_guard lock(mutex_);
    scripts_ = std::move(scripts);
  }
  // How the next generations end when they have said their words, one after the other.
  void fail_in_turn(std::deque<gateway::Failure> failures) {
    const std::lock_guard lock(mutex_);
    failures_ = std::move(failures);
  }
  // Of each word, when it is asked for.
  void set_log_likelihood(float value) { log_likelihood_ = value; }
  gateway::BackendIdentity& mutable_identity() { return identity_; }

  std::uint64_t generations() const {
    const std::lock_guard lock(mutex_);
    return generations_;
  }
  std::uint64_t cancels() const {
    const std::lock_guard lock(mutex_);
    return cancels_;
  }
  std::size_t running() const {
    const std::lock_guard lock(mutex_);
    return running_.size();
  }
  gateway::GenerateRequest last_request() const {
    const std::lock_guard lock(mutex_);
    return requests_.back();
  }
  std::vector<gateway::GenerateRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  struct Running {
    std::uint64_t id;
    std::shared_ptr<gateway::GenerateSink> sink;
    std::size_t next;
    std::uint32_t choices;
    std::vector<std::string> words;
    std::optional<float> log_likelihood;
    bool speaking;  // step() tells it something
    bool cancelled;
    std::optional<gateway::Failure> failure;  // how it ends
  };
  using RunningAt = std::deque<Running>::iterator;

  // Both under the lock.
  RunningAt find(std::uint64_t generation) {
    return std::find_if(running_.begin(), running_.end(),
                        [&](const Running& r) { return r.id == generation; });
  }
  Running take(RunningAt at) {
    Running taken = std::move(*at);
    running_.erase(at);
    return taken;
  }

  static void end(gateway::GenerateSink& sink, std::uint32_t choices, engine::FinishReason reason,
                  std::size_t words) {
    for (std::uint32_t choice = 0; choice < choices; ++choice) {
      engine::GenerationDelta delta;
      delta.choice = choice;
      delta.finish = reason;
      sink.on_delta(std::move(delta));
    }
    engine::GenerationSummary summary;
    summary.prompt_tokens = 7;
    summary.seed = kDrawnSeed;
    summary.completion_tokens = static_cast<std::uint32_t>(words * choices);
    if (reason == engine::FinishReason::error) summary.error = Error{ErrorCode::internal, "broken", {}};
    sink.on_done(summary);
  }

  std::vector<std::string> words_;
  gateway::BackendIdentity identity_;
  engine::FinishReason finish_ = engine::FinishReason::stop;
  std::optional<Error> refusal_;
  std::optional<gateway::BackendIdentity> redirect_;
  mutable std::mutex mutex_;
  std::deque<Running> running_;
  std::uint64_t generations_ = 0;
  std::uint64_t cancels_ = 0;
  std::vector<gateway::GenerateRequest> requests_;
  std::deque<std::vector<std::string>> scripts_;
  std::deque<gateway::Failure> failures_;
  float log_likelihood_ = -0.5F;
};

}  // namespace sovereign::testing
