#include "runtime/stages/inference.h"

#include <mutex>
#include <utility>
#include <vector>

#include "runtime/prompt.h"
#include "runtime/query_run.h"
#include "runtime/retry_sampling.h"

namespace sovereign::runtime {
namespace {

// Up to here, question and answer together, what follows an answer takes a few hundred µs (bench-quality).
constexpr std::size_t kShortBytes = 8 * 1024;

std::size_t size_of(const SovereignQuery& query) {
  const auto& chat = query.chat;
  std::size_t bytes = query.content.size() + query.system.size() + chat.messages_json.size() +
                      chat.tools_json.size() + chat.json_schema.size();
  for (const auto& item : query.context) bytes += item.text.size();
  return bytes;
}

// Collects what the client is told, on the engine's thread, and goes on with the run on a worker.
class InferenceSink final : public gateway::GenerateSink, public std::enable_shared_from_this<InferenceSink> {
 public:
  InferenceSink(QueryRunPtr run, const InferenceOptions& options)
      : run_(std::move(run)),
        hold_back_(options.hold_back),
        finish_at_once_(options.finish_at_once),
        choices_(run_->query.n),
        log_likelihoods_(run_->query.n) {}

  // The generation's number becomes known while its tokens come already, and stop() may come before both.
  void started(std::uint64_t generation) {
    {
      const std::lock_guard lock(mutex_);
      generation_ = generation;
      if (!stopped_) return;
    }
    cancel(generation);
  }
  void stop() {
    std::optional<std::uint64_t> generation;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      generation = generation_;
    }
    if (generation) cancel(*generation);
  }

  void on_redirect(const gateway::BackendIdentity& by) noexcept override {
    run_->result.model_used = by.model;
    run_->result.fingerprint = by.fingerprint;
    run_->result.model_digest = by.digest;
    run_->result.tier = by.tier;
    // The key names the backend that was asked: under it this answer must not be found.
    if (by.digest != run_->identity.digest) run_->store = false;
    run_->result.answered_by = std::make_shared<const gateway::BackendIdentity>(by);
  }

  void on_begin(std::shared_ptr<const gateway::AnswerSyntax> syntax) noexcept override {
    syntax_ = syntax;
    if (hold_back_) return;
    Beginning beginning{std::move(syntax), run_->result.cached, {}, {}, run_->result.variant};
    if (run_->result.answered_by) {
      beginning.model_used = run_->result.model_used;
      beginning.fingerprint = run_->result.fingerprint;
    }
    run_->client->on_begin(beginning);
  }

  void on_delta(engine::GenerationDelta delta) noexcept override {
    if (delta.choice >= choices_.size()) return;
    Choice& choice = choices_[delta.choice];
    choice.message.content += delta.text;
    choice.logprobs.insert(choice.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
    auto& likelihoods = log_likelihoods_[delta.choice];
    likelihoods.insert(likelihoods.end(), delta.log_likelihoods.begin(), delta.log_likelihoods.end());
    if (delta.finish) {
      choice.finish = *delta.finish;
      if (failure_of(*delta.finish, std::nullopt) && !irregular_) irregular_ = delta.finish;
    }
    if (!hold_back_) run_->client->on_delta(std::move(delta));
  }

  void on_failure(const gateway::Failure& failure) noexcept override {
    run_->post([self = shared_from_this(), failure] { self->run_->refuse(failure); });
  }

  void on_done(const engine::GenerationSummary& summary) noexcept override {
    summary_ = summary;
    if (finish_at_once_ && is_short() && is_remote()) return finish();
    // Reading tool calls and keeping the answer takes time that belongs to the other sequences here.
    run_->post([self = shared_from_this()] { self->finish(); });
  }

 private:
  bool is_remote() const { return !run_->answerer().weights.has_value(); }
  bool is_short() const {
    std::size_t bytes = size_of(run_->query);
    for (const Choice& choice : choices_) bytes += choice.message.content.size();
    return bytes <= kShortBytes;
  }

  void finish() {
    if (irregular_) return run_->refuse(*failure_of(*irregular_, summary_.error));
    if (summary_.error) return run_->refuse(*summary_.error);
    if (syntax_) {
      for (Choice& choice : choices_) {
        choice.message = syntax_->read(choice.message.content, false);
      }
    }
    run_->result.choices = std::move(choices_);
    run_->log_likelihoods = std::move(log_likelihoods_);
    run_->result.usage.add(summary_);
    // A server elsewhere does not say which seed it drew.
    run_->result.seed = is_remote() ? run_->query.sampling.seed : std::optional(summary_.seed);
    run_->proceed();
  }

  void cancel(std::uint64_t generation) const {
    if (const auto alive = run_->backend.lock()) alive->cancel(generation);
  }

  const QueryRunPtr run_;
  const bool hold_back_;
  const bool finish_at_once_;
  std::mutex mutex_;
  bool stopped_ = false;                     // guarded by mutex_
  std::optional<std::uint64_t> generation_;  // guarded by mutex_
  std::shared_ptr<const gateway::AnswerSyntax> syntax_;
  std::vector<Choice> choices_;
  std::vector<std::vector<float>> log_likelihoods_;
  engine::GenerationSummary summary_;
  std::optional<engine::FinishReason> irregular_;  // of the first choice that did not end well
};

gateway::GenerateRequest make_request(const QueryRun& run, const InferenceOptions& options) {
  const SovereignQuery& query = run.query;
  gateway::GenerateRequest request;
  request.input = query.chat;
  if (!run.messages_json.empty()) {
    request.input.messages_json = run.messages_json;
  } else if (!query.content.empty()) {
    request.input.messages_json = compose_messages(query);
  }
  request.n = query.n;
  request.max_tokens = query.max_tokens;
  request.stop = query.stop;
  request.ignore_eos = query.ignore_eos;
  request.sampling = query.sampling;
  request.sampling.log_likelihoods = options.log_likelihoods;
  vary_for_retry(request.sampling, run.retries);
  request.deadline = query.deadline;
  request.whole = query.whole || options.hold_back;
  return request;
}

}  // namespace

std::optional<gateway::Failure> failure_of(engine::FinishReason finish, const std::optional<Error>& error) {
  switch (finish) {
    case engine::FinishReason::stop:
    case engine::FinishReason::length:
    case engine::FinishReason::filtered: return std::nullopt;
    case engine::FinishReason::cancelled:
      return gateway::Failure(ErrorCode::unavailable, "The server stopped this request.", {}, "cancelled");
    case engine::FinishReason::deadline:
      return gateway::Failure(ErrorCode::deadline_exceeded,
                              "The request took longer than the server's request_timeout.");
    case engine::FinishReason::error: break;
  }
  return error.value_or(Error{ErrorCode::internal, "The engine could not go on.", {}});
}

void InferenceStage::enter(const QueryRunPtr& run) {
  const auto backend = run->backend.lock();
  if (!backend) return run->refuse({ErrorCode::unavailable, "The model is no longer served.", {}});
  if (run->cancelled()) return run->refuse({ErrorCode::cancelled, "The client left.", {}});
  run->expect_own_answer();  // a first answer that was given up may have been another's
  const auto sink = std::make_shared<InferenceSink>(run, options_);
  run->on_cancel([weak = std::weak_ptr(sink)] {
    if (const auto alive = weak.lock()) alive->stop();
  });
  const auto generation = backend->generate(make_request(*run, options_), sink);
  if (!generation) return run->refuse(generation.error());
  sink->started(*generation);
}

}  // namespace sovereign::runtime
