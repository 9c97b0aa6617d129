#include "runtime/reasoning/engine_generator.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "engine/llama_model.h"
#include "runtime/ending.h"

namespace sovereign::runtime {
namespace {

namespace json = boost::json;

result<std::string> messages_with(const std::string& before, const std::vector<Turn>& turns) {
  json::error_code error;
  json::value messages = json::parse(before, error);
  if (error || !messages.is_array())
    return fail(ErrorCode::invalid_argument, "messages must be a JSON array", "messages");
  for (const Turn& turn : turns)
    messages.get_array().push_back({{"role", turn.role}, {"content", turn.content}});
  return json::serialize(messages);
}

}  // namespace

// What the sinks of the thoughts under way share with the thread that waits for them. It outlives a
// generate(), and with it every sink that the engine still holds.
class EngineGenerator::Batch {
 public:
  void begin() {
    const std::lock_guard lock(mutex_);
    requests_.clear();
    open_ = 0;
  }

  // Before submit(): a thought can end before submit() returns.
  void expect() {
    const std::lock_guard lock(mutex_);
    ++open_;
  }
  void not_submitted() {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  // False when it was cancelled meanwhile.
  bool submitted(engine::RequestId request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return !cancelled_;
  }

  void ended(const engine::GenerationSummary& summary, PromptTokens& tokens) {
    {
      const std::lock_guard lock(mutex_);
      tokens.prompt += summary.prompt_tokens;
      tokens.cached += summary.cached_prompt_tokens;
      --open_;
    }
    all_ended_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [&] { return open_ == 0; });
  }

  std::vector<engine::RequestId> cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    return requests_;
  }
  std::vector<engine::RequestId> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::vector<engine::RequestId> requests_;
  std::uint32_t open_ = 0;
  bool cancelled_ = false;
};

// One thought's tokens. Written by the engine thread until Batch::ended(), read by the waiting one after.
class EngineGenerator::Sink final : public engine::GenerationSink {
 public:
  Sink(std::shared_ptr<Batch> batch, ThoughtId id) : batch_(std::move(batch)) { thought.id = id; }

  void on_delta(engine::GenerationDelta delta) noexcept override {
    thought.text += delta.text;
    thought.tokens += delta.tokens;
    for (const engine::TokenLogprob& token : delta.logprobs) thought.logprobs.push_back(token.chosen.logprob);
    if (delta.finish) thought.ending = ending_of(*delta.finish);
  }
  void on_done(const engine::GenerationSummary& summary) noexcept override {
    if (summary.error) thought.error = summary.error->message;
    batch_->ended(summary, prompt_tokens);
  }

  ThoughtResult thought;
  PromptTokens prompt_tokens;
  std::shared_ptr<const engine::ChatSyntax> syntax;  // null: the text is the content

 private:
  std::shared_ptr<Batch> batch_;
};

EngineGenerator::EngineGenerator(engine::Engine& engine, const engine::ChatFormat& format,
                                 EngineGeneratorOptions options)
    : engine_(engine), format_(format), options_(std::move(options)), batch_(std::make_shared<Batch>()) {}

EngineGenerator::~EngineGenerator() { cancel(); }

void EngineGenerator::cancel() noexcept {
  for (const engine::RequestId request : batch_->cancel()) engine_.cancel(request);
}

result<std::vector<ThoughtResult>> EngineGenerator::generate(std::span<const ThoughtRequest> requests,
                                                             std::optional<Time> deadline) {
  batch_->begin();
  prompt_tokens_ = {};
  std::vector<std::shared_ptr<Sink>> sinks;
  std::optional<Error> refused;
  for (const ThoughtRequest& thought : requests) {
    auto sink = std::make_shared<Sink>(batch_, thought.id);
    auto request = prepare(thought, deadline, sink->syntax);
    if (!request) {
      refused = std::move(request.error());
      break;
    }
    batch_->expect();
    const auto id = engine_.submit(std::move(*request), sink);
    if (!id) {
      batch_->not_submitted();
      refused = id.error();
      break;
    }
    sinks.push_back(std::move(sink));
    if (!batch_->submitted(*id)) break;
  }
  if (refused || batch_->cancelled()) {
    for (const engine::RequestId request : batch_->requests()) engine_.cancel(request);
  }
  batch_->wait();
  if (refused) return fail(std::move(*refused));
  if (batch_->cancelled()) return fail(ErrorCode::cancelled, "reasoning was cancelled");

  std::vector<ThoughtResult> results;
  for (const auto& sink : sinks) {
    prompt_tokens_.prompt += sink->prompt_tokens.prompt;
    prompt_tokens_.cached += sink->prompt_tokens.cached;
    if (sink->syntax)
      sink->thought.text = engine::ChatFormat::parse(*sink->syntax, sink->thought.text, false).content;
    results.push_back(std::move(sink->thought));
  }
  return results;
}

result<engine::GenerationRequest> EngineGenerator::prepare(
    const ThoughtRequest& thought, std::optional<Time> deadline,
    std::shared_ptr<const engine::ChatSyntax>& syntax) const {
  auto messages = messages_with(options_.messages_json, thought.turns);
  if (!messages) return fail(std::move(messages.error()));
  engine::ChatInput input;
  input.messages_json = std::move(*messages);
  auto prompt = format_.render(input);
  if (!prompt) return fail(std::move(prompt.error()));

  engine::GenerationRequest request;
  request.prompt = format_.tokens(*prompt);
  request.max_tokens = thought.max_tokens;
  request.sampling = options_.sampling;
  request.sampling.seed = thought.seed;
  request.sampling.grammar = std::move(prompt->grammar);
  request.sampling.top_logprobs = 0;
  request.stop = std::move(prompt->stop);
  request.ignore_eos = options_.ignore_eos;
  request.deadline = deadline;
  if (!prompt->plain) syntax = std::move(prompt->syntax);
  return request;
}

}  // namespace sovereign::runtime
