#include "runtime/canary/canary_client.h"

#include <algorithm>
#include <utility>

namespace sovereign::runtime {
namespace {

using gateway::Metric;
using gateway::Observation;

constexpr double kFewTokens = 8;  // of fewer the time per token is mostly noise

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::optional<double> token_seconds(const SovereignResult& result) {
  if (result.choices.empty() || result.usage.predicted_ms <= 0) return std::nullopt;
  // The time is that of the slowest generation: thoughts are not in it.
  const double tokens = static_cast<double>(result.usage.completion_tokens) -
                        static_cast<double>(result.usage.reasoning_tokens);
  const double each = tokens / static_cast<double>(result.choices.size());
  if (each < kFewTokens) return std::nullopt;
  return result.usage.predicted_ms / 1000 / (each - 1);
}

std::optional<double> worst_score(const SovereignResult& result) {
  std::optional<double> worst;
  for (const Choice& choice : result.choices) {
    if (!choice.quality || !choice.quality->assessment.score) continue;
    const double score = *choice.quality->assessment.score;
    worst = worst ? std::min(*worst, score) : score;
  }
  return worst;
}

bool was_filtered(const SovereignResult& result) {
  return std::any_of(result.choices.begin(), result.choices.end(),
                     [](const Choice& choice) { return choice.finish == engine::FinishReason::filtered; });
}

}  // namespace

bool blames_answerer(const gateway::Failure& failure) {
  if (failure.reason == "quality_gate") return true;
  switch (failure.code) {
    case ErrorCode::resource_exhausted:
    case ErrorCode::unavailable:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::corrupt:
    case ErrorCode::internal: return true;
    default: return false;
  }
}

CanaryClient::CanaryClient(std::shared_ptr<CanaryTrial> trial, gateway::Arm arm, bool counts,
                           const Clock& clock, std::optional<Time> deadline,
                           std::shared_ptr<QueryClient> client, AskControl ask_control)
    : trial_(std::move(trial)),
      arm_(arm),
      clock_(clock),
      deadline_(deadline),
      client_(std::move(client)),
      round_(trial_->round()),
      began_(clock.now()),
      counts_(counts),
      ask_control_(std::move(ask_control)) {}

void CanaryClient::on_accepted(std::function<void()> leave) noexcept {
  leaving_->point.set(std::move(leave));
  if (std::exchange(accepted_, true)) return;
  client_->on_accepted([leaving = leaving_, weak = weak_from_this()] {
    leaving->left.store(true);
    // Before the work is told to end: its failure would be the client's doing.
    if (const auto alive = weak.lock()) alive->note_leaving();
    leaving->point.leave();
  });
}

void CanaryClient::on_begin(const Beginning& beginning) noexcept {
  // The variant's beginning waits for its first token: until then control may still answer.
  beginning_ = beginning;
  if (!ask_control_) tell_beginning();
}

void CanaryClient::tell_beginning() {
  told_ = true;
  if (beginning_) client_->on_begin(*std::exchange(beginning_, std::nullopt));
  for (auto& delta : std::exchange(held_, {})) client_->on_delta(std::move(delta));
}

void CanaryClient::on_delta(engine::GenerationDelta delta) noexcept {
  const bool is_token = delta.tokens > 0 || !delta.text.empty();
  if (is_token && !first_token_) {
    const std::lock_guard lock(mutex_);
    first_token_ = clock_.now() - began_;
  }
  if (!told_ && !is_token) {
    // A choice may end, and badly, before there is a token.
    held_.push_back(std::move(delta));
    return;
  }
  if (!told_) tell_beginning();
  client_->on_delta(std::move(delta));
}

void CanaryClient::on_result(std::shared_ptr<const SovereignResult> result) noexcept {
  note_answer(*result);
  if (!told_ && beginning_) tell_beginning();
  client_->on_result(std::move(result));
}

void CanaryClient::note_answer(const SovereignResult& result) {
  using Status = CacheNote::Status;
  if (doubted_) {
    // Control could answer what the variant took for a wrong query.
    Observation seen;
    seen.arm = gateway::Arm::variant;
    seen.failed = true;
    return observe(seen);
  }
  if (result.cached.status == Status::hit || result.cached.status == Status::shared) return pass_over();
  Observation seen;
  seen.arm = arm_;
  if (was_filtered(result)) {
    seen.failed = true;
    return observe(seen);
  }
  seen.seconds[static_cast<std::size_t>(Metric::latency)] = seconds(clock_.now() - began_);
  if (first_token_) seen.seconds[static_cast<std::size_t>(Metric::first_token)] = seconds(*first_token_);
  seen.seconds[static_cast<std::size_t>(Metric::token_time)] = token_seconds(result);
  seen.quality = worst_score(result);
  observe(seen);
}

void CanaryClient::on_failure(const gateway::Failure& failure) noexcept {
  const bool left = leaving_->left.load();
  const bool asks = !left && ask_control_ && !told_;
  if (!left && blames_answerer(failure) && !doubted_) {
    Observation seen;
    seen.arm = arm_;
    seen.failed = true;
    observe(seen);
  } else if (asks) {
    const std::lock_guard lock(mutex_);
    doubted_ = true;
  } else {
    pass_over();
  }
  if (!asks) return client_->on_failure(failure);
  trial_->count_taken_over();
  beginning_.reset();
  held_.clear();
  {
    const std::lock_guard lock(mutex_);
    first_token_.reset();
  }
  std::exchange(ask_control_, nullptr)(shared_from_this());
}

void CanaryClient::note_leaving() noexcept {
  Observation seen;
  seen.arm = arm_;
  bool says_something = false;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(counts_, false)) return;
    // Times of the variant and of control in turn are those of neither.
    says_something = !doubted_;
    const Time now = clock_.now();
    seen.failed = deadline_ && now >= *deadline_;
    seen.left = !seen.failed;
    if (seen.left) {
      seen.seconds[static_cast<std::size_t>(Metric::latency)] = seconds(now - began_);
      if (first_token_) seen.seconds[static_cast<std::size_t>(Metric::first_token)] = seconds(*first_token_);
    }
  }
  if (says_something) {
    trial_->note_left(seen, round_);
  } else {
    trial_->count_uncounted(arm_);
  }
}

bool CanaryClient::first_word() {
  const std::lock_guard lock(mutex_);
  return std::exchange(counts_, false);
}

void CanaryClient::observe(const Observation& observation) {
  if (first_word()) trial_->observe(observation, round_);
}

void CanaryClient::pass_over() {
  if (first_word()) trial_->count_uncounted(arm_);
}

}  // namespace sovereign::runtime
