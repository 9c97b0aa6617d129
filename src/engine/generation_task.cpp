#include "engine/generation_task.h"

#include <algorithm>
#include <cassert>

#include "engine/llama_model.h"

namespace sovereign::engine {

namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

result<std::unique_ptr<GenerationTask>> GenerationTask::create(RequestId id, GenerationRequest request,
                                                               std::shared_ptr<GenerationSink> sink,
                                                               std::shared_ptr<const LlamaModel> model,
                                                               std::uint32_t token_limit,
                                                               std::uint32_t fresh_seed, Time now) {
  assert(request.n >= 1 && request.n <= kMaxChoices && token_limit >= 1);
  std::unique_ptr<GenerationTask> task(new GenerationTask);
  const auto stops = std::make_shared<const StopSet>(request.stop);
  const std::uint32_t seed = request.sampling.seed.value_or(fresh_seed);
  SamplingParams sampling = request.sampling;
  sampling.seed = seed;
  auto sampler = Sampler::create(*model, sampling, request.prompt);
  if (!sampler) return fail(sampler.error());
  task->choices_.push_back({std::move(*sampler), TextStream(stops)});
  for (std::uint32_t choice = 1; choice < request.n; ++choice) {
    task->choices_.push_back({task->choices_.front().sampler->fork(seed + choice), TextStream(stops)});
  }
  task->id_ = id;
  task->open_choices_ = request.n;
  task->waiting_ = request.n;
  task->summary_.prompt_tokens = static_cast<std::uint32_t>(request.prompt.size());
  task->summary_.seed = seed;
  task->request_ = std::move(request);
  task->sink_ = std::move(sink);
  task->model_ = std::move(model);
  task->token_limit_ = token_limit;
  task->arrival_ = now;
  return task;
}

SequenceSpec GenerationTask::sequence(std::uint32_t choice) const {
  return {sequence_id(choice), request_.prompt, request_.deadline};
}

void GenerationTask::on_admitted(std::uint32_t choice, std::uint32_t shared_tokens, Time now,
                                 EngineMetrics& metrics) {
  Choice& state = choices_[choice];
  if (state.admitted) return;  // resumed after a preemption
  state.admitted = true;
  --waiting_;
  metrics.cached_tokens.fetch_add(shared_tokens, std::memory_order_relaxed);
  if (shared_tokens > 0) metrics.prefix_hits.fetch_add(1, std::memory_order_relaxed);
  if (choice == 0) {
    summary_.cached_prompt_tokens = shared_tokens;
    summary_.queue_wait = now - arrival_;
    metrics.queue_wait_seconds.observe(seconds(summary_.queue_wait));
  }
}

Sampled GenerationTask::on_logits(std::uint32_t choice, std::span<float> logits, Time now,
                                  EngineMetrics& metrics) {
  Choice& state = choices_[choice];
  const Token token = state.sampler->sample(logits);
  GenerationDelta delta;
  delta.choice = choice;

  if (state.sampler->error()) {
    summary_.error = state.sampler->error();
    delta.finish = FinishReason::error;
  } else if (model_->is_end_of_generation(token) && !request_.ignore_eos) {
    delta.finish = FinishReason::stop;
  } else {
    ++state.tokens;
    delta.tokens = 1;
    delta.text = state.text.append(model_->piece(token, state.sampler->shows(token)));
    if (state.sampler->logprob()) delta.logprobs.push_back(*state.sampler->logprob());
    if (const auto likelihood = state.sampler->log_likelihood()) delta.log_likelihoods.push_back(*likelihood);
    if (state.text.stopped()) {
      delta.finish = FinishReason::stop;
    } else if (state.tokens == token_limit_) {
      delta.finish = FinishReason::length;
    }
  }
  if (delta.finish) delta.text += state.text.finish();

  if (summary_.ttft == Duration::zero()) {
    summary_.ttft = now - arrival_;
    metrics.ttft_seconds.observe(seconds(summary_.ttft));
  }
  if (state.last_token != Time{}) metrics.itl_seconds.observe(seconds(now - state.last_token));
  state.last_token = now;
  metrics.decode_tokens.fetch_add(1, std::memory_order_relaxed);

  const bool finished = delta.finish.has_value();
  deliver(choice, std::move(delta), now, metrics);
  return {sequence_id(choice), token, finished};
}

void GenerationTask::on_embedding(result<std::vector<float>> embedding, Time now, EngineMetrics& metrics) {
  if (!embedding) return end(FinishReason::error, embedding.error(), now, metrics);
  GenerationDelta delta;
  delta.embedding = std::move(*embedding);
  delta.finish = FinishReason::stop;
  deliver(0, std::move(delta), now, metrics);
}

void GenerationTask::end_choice(std::uint32_t choice, FinishReason reason, Time now, EngineMetrics& metrics) {
  if (choices_[choice].ended) return;
  GenerationDelta delta;
  delta.choice = choice;
  delta.text = choices_[choice].text.finish();
  delta.finish = reason;
  deliver(choice, std::move(delta), now, metrics);
}

void GenerationTask::end(FinishReason reason, std::optional<Error> error, Time now, EngineMetrics& metrics) {
  if (error) summary_.error = std::move(error);
  for (std::uint32_t choice = 0; choice < choices(); ++choice) end_choice(choice, reason, now, metrics);
}

void GenerationTask::deliver(std::uint32_t choice, GenerationDelta delta, Time now, EngineMetrics& metrics) {
  Choice& state = choices_[choice];
  assert(!state.ended);
  const std::optional<FinishReason> finish = delta.finish;
  if (!finish && delta.text.empty() && delta.logprobs.empty() && delta.tokens == 0) return;
  sink_->on_delta(std::move(delta));
  if (!finish) return;

  state.ended = true;
  if (!state.admitted) --waiting_;
  summary_.completion_tokens += state.tokens;
  if (--open_choices_ > 0) return;
  summary_.total = now - arrival_;
  metrics.e2e_seconds.observe(seconds(summary_.total));
  count_outcome(*finish, metrics);
  sink_->on_done(summary_);
}

void GenerationTask::count_outcome(FinishReason reason, EngineMetrics& metrics) {
  const auto count = [](EngineMetrics::Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); };
  switch (reason) {
    case FinishReason::stop:
    case FinishReason::length:
    case FinishReason::filtered: return count(metrics.requests_finished);
    case FinishReason::cancelled: return count(metrics.requests_cancelled);
    case FinishReason::deadline: return count(metrics.requests_expired);
    case FinishReason::error: return count(metrics.requests_failed);
  }
}

}  // namespace sovereign::engine
