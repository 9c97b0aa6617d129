#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/clock.h"
#include "loaded_model.h"
#include "question.h"

namespace sovereign {
namespace {

using Seconds = std::chrono::duration<double>;

// Hands deltas from the engine's thread to the asking one.
class DeltaQueue final : public engine::GenerationSink {
 public:
  void on_delta(engine::GenerationDelta delta) noexcept override {
    const std::lock_guard lock(mutex_);
    deltas_.push_back(std::move(delta));
    arrived_.notify_one();
  }
  void on_done(const engine::GenerationSummary& summary) noexcept override {
    const std::lock_guard lock(mutex_);
    summary_ = summary;
    arrived_.notify_one();
  }

  // The next delta; nothing when all is done.
  std::optional<engine::GenerationDelta> next() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !deltas_.empty() || summary_.has_value(); });
    if (deltas_.empty()) return std::nullopt;
    engine::GenerationDelta delta = std::move(deltas_.front());
    deltas_.pop_front();
    return delta;
  }
  // After next() gave nothing.
  const engine::GenerationSummary& summary() const { return *summary_; }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<engine::GenerationDelta> deltas_;
  std::optional<engine::GenerationSummary> summary_;
};

engine::EngineConfig for_one_sequence(engine::EngineConfig config) {
  const engine::EngineConfig defaults;
  if (config.kv_cells == defaults.kv_cells) config.kv_cells = config.context_tokens;
  if (config.max_sequences == defaults.max_sequences) config.max_sequences = 1;
  if (config.max_cached_prefixes == defaults.max_cached_prefixes) config.max_cached_prefixes = 0;
  return config;
}

engine::GenerationRequest make_request(const Question& question, const engine::ChatPrompt& prompt,
                                       const engine::LlamaModel& model) {
  engine::GenerationRequest request;
  request.prompt = model.tokenize(prompt.prompt, true, true);
  request.max_tokens = question.max_tokens.value_or(0);
  if (question.temperature) request.sampling.temperature = static_cast<float>(*question.temperature);
  request.sampling.seed = question.seed;
  request.sampling.grammar = prompt.grammar;
  request.stop = prompt.stop;
  return request;
}

// Reads the answer to its end, giving its text on as it grows.
void receive(DeltaQueue& queue, engine::Engine& engine, engine::RequestId id, const Question& question,
             const engine::ChatSyntax& syntax, Answer& answer) {
  std::string raw;
  bool wanted = true;
  while (const auto delta = queue.next()) {
    raw += delta->text;
    if (delta->finish) answer.finish_reason = engine::to_string(*delta->finish);
    const std::string text = engine::ChatFormat::parse(syntax, raw, !delta->finish.has_value()).content;
    if (text.size() <= answer.text.size() || !text.starts_with(answer.text)) continue;
    const std::string_view grown = std::string_view(text).substr(answer.text.size());
    if (wanted && question.on_text && !question.on_text(grown)) {
      wanted = false;
      engine.cancel(id);
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
  narrowed.engine = for_one_sequence(settings.engine);
  const auto loaded = load_model(*path, narrowed, clock);
  if (!loaded) return fail(loaded.error());
  engine::Engine& engine = *loaded->engine;

  engine::ChatInput input;
  input.messages_json = messages_json(question);
  const auto prompt = loaded->chat_format->render(input);
  if (!prompt) return fail(prompt.error());
  const auto queue = std::make_shared<DeltaQueue>();
  const auto id = engine.submit(make_request(question, *prompt, *loaded->model), queue);
  if (!id) return fail(id.error());
  const std::stop_callback on_stop(question.stop, [&engine, &id] { engine.cancel(*id); });

  Answer answer;
  answer.model = model_id(*path, settings);
  receive(*queue, engine, *id, question, *prompt->syntax, answer);
  const engine::GenerationSummary& summary = queue->summary();
  if (question.stop.stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
  if (summary.error) return fail(*summary.error);
  answer.prompt_tokens = summary.prompt_tokens;
  answer.cached_prompt_tokens = summary.cached_prompt_tokens;
  answer.completion_tokens = summary.completion_tokens;
  answer.ttft_s = Seconds(summary.ttft).count();
  answer.total_s = Seconds(summary.total).count();
  return answer;
}

}  // namespace sovereign
