#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "loaded_model.h"
#include "question.h"
#include "runtime/quality_json.h"
#include "runtime/standard_pipeline.h"
#include "server/query/reasoning_json.h"

namespace sovereign {
namespace {

// What comes from the query, and jobs that the pipeline posts, for the asking thread to take one by one.
class Inbox final : public runtime::QueryClient {
 public:
  void on_accepted(std::function<void()> leave) noexcept override {
    const std::lock_guard lock(mutex_);
    leave_ = std::move(leave);
  }
  void on_begin(const runtime::Beginning& beginning) noexcept override {
    const std::lock_guard lock(mutex_);
    syntax_ = beginning.syntax;
  }
  void on_delta(engine::GenerationDelta delta) noexcept override {
    put([&] { deltas_.push_back(std::move(delta)); });
  }
  void on_result(std::shared_ptr<const runtime::SovereignResult> result) noexcept override {
    put([&] { result_ = std::move(result); });
  }
  void on_failure(const gateway::Failure& failure) noexcept override {
    put([&] { failure_ = failure; });
  }
  void post(std::function<void()> job) {
    put([&] { jobs_.push_back(std::move(job)); });
  }

  // Runs jobs until there is a delta, or the end: nothing.
  std::optional<engine::GenerationDelta> next() {
    std::unique_lock lock(mutex_);
    while (true) {
      arrived_.wait(lock, [this] { return !deltas_.empty() || !jobs_.empty() || ended(); });
      if (!deltas_.empty()) {
        engine::GenerationDelta delta = std::move(deltas_.front());
        deltas_.pop_front();
        return delta;
      }
      if (jobs_.empty()) return std::nullopt;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }
  // Any thread.
  void leave() {
    std::function<void()> leave;
    {
      const std::lock_guard lock(mutex_);
      leave = leave_;
    }
    if (leave) leave();
  }
  // After the first delta.
  std::shared_ptr<const gateway::AnswerSyntax> syntax() const {
    const std::lock_guard lock(mutex_);
    return syntax_;
  }
  // After next() gave nothing; one of them is set.
  const std::shared_ptr<const runtime::SovereignResult>& result() const { return result_; }
  const std::optional<gateway::Failure>& failure() const { return failure_; }

 private:
  bool ended() const { return result_ != nullptr || failure_.has_value(); }
  template <class Put>
  void put(Put change) {
    const std::lock_guard lock(mutex_);
    change();
    arrived_.notify_one();
  }

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::function<void()> leave_;
  std::shared_ptr<const gateway::AnswerSyntax> syntax_;
  std::deque<engine::GenerationDelta> deltas_;
  std::deque<std::function<void()>> jobs_;
  std::shared_ptr<const runtime::SovereignResult> result_;
  std::optional<gateway::Failure> failure_;
};

// What one question needs: a sequence, or one per thought, whose prompts share their beginning.
engine::EngineConfig cut_down(engine::EngineConfig config, const Question& question,
                              const runtime::ReasoningPolicy& reasoning) {
  const engine::EngineConfig defaults;
  if (question.reasoning_depth > 0) {
    if (config.max_sequences == defaults.max_sequences) config.max_sequences = reasoning.graph.branches;
    return config;
  }
  if (config.kv_cells == defaults.kv_cells) config.kv_cells = config.context_tokens;
  if (config.max_sequences == defaults.max_sequences) config.max_sequences = 1;
  if (config.max_cached_prefixes == defaults.max_cached_prefixes) config.max_cached_prefixes = 0;
  return config;
}

runtime::SovereignQuery make_query(const Question& question) {
  runtime::SovereignQuery query;
  query.id = "ask";
  query.content = question.prompt;
  query.system = question.system;
  query.context = question.context;
  query.max_tokens = question.max_tokens.value_or(0);
  if (question.temperature) query.sampling.temperature = static_cast<float>(*question.temperature);
  query.sampling.seed = question.seed;
  query.max_depth = question.reasoning_depth;
  query.require_reasoning = question.reasoning_depth > 0;
  return query;
}

// Reads the answer to its end, giving its text on as it grows.
void receive(Inbox& inbox, const Question& question, Answer& answer,
             std::chrono::steady_clock::time_point asked) {
  std::string raw;
  bool wanted = true;
  while (const auto delta = inbox.next()) {
    raw += delta->text;
    const auto syntax = inbox.syntax();
    const std::string text = syntax ? syntax->read(raw, !delta->finish.has_value()).content : raw;
    if (text.size() <= answer.text.size() || !text.starts_with(answer.text)) continue;
    if (answer.text.empty()) {
      answer.ttft_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
    }
    const std::string_view grown = std::string_view(text).substr(answer.text.size());
    if (wanted && question.on_text && !question.on_text(grown)) {
      wanted = false;
      inbox.leave();
    }
    answer.text = text;
  }
}

}  // namespace

result<Answer> ask_in_process(const Question& question, const config::Settings& settings) {
  const auto path = find_model(settings.model, [&question] { return question.stop.stop_requested(); });
  if (!path) return fail(path.error());
  const SteadyClock clock;
  config::Settings narrowed = settings;
  narrowed.engine = cut_down(settings.engine, question, settings.reasoning);
  const auto loaded = load_model(*path, narrowed, clock);
  if (!loaded) return fail(loaded.error());

  // One question of one process: nothing to look up, nothing to keep.
  const auto inbox = std::make_shared<Inbox>();
  runtime::PipelineParts parts{clock, [inbox](std::function<void()> job) { inbox->post(std::move(job)); }};
  parts.reasoning = settings.reasoning;
  parts.quality = settings.quality;
  const auto pipeline = runtime::make_pipeline(std::move(parts));
  const auto asked = std::chrono::steady_clock::now();
  pipeline->start(make_query(question), loaded->backend, inbox);
  const std::stop_callback on_stop(question.stop, [&inbox] { inbox->leave(); });

  Answer answer;
  receive(*inbox, question, answer, asked);
  answer.total_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
  if (question.stop.stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
  answer.model = model_id(*path, settings);
  if (inbox->failure()) {
    // Whoever reads no further has what it wants.
    if (inbox->failure()->reason != "cancelled") return fail(*inbox->failure());
    answer.finish_reason = "cancelled";
    return answer;
  }
  const runtime::SovereignResult& result = *inbox->result();
  const runtime::Choice& choice = result.choices.front();
  // A gate that enforces lets nothing out before it has passed.
  if (answer.text.empty() && question.on_text) question.on_text(choice.message.content);
  answer.text = choice.message.content;
  if (choice.quality) append_quality_json(answer.quality_json, *choice.quality, runtime::QualityDetail::full);
  if (result.reasoning) server::append_reasoning_json(answer.reasoning_json, *result.reasoning);
  answer.finish_reason = engine::to_string(result.choices.front().finish);
  answer.prompt_tokens = result.usage.prompt_tokens;
  answer.cached_prompt_tokens = result.usage.cached_tokens;
  answer.completion_tokens = result.usage.completion_tokens;
  return answer;
}

}  // namespace sovereign
