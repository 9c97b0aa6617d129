#include "engine/engine_loop.h"

#include <pthread.h>

#include <spdlog/spdlog.h>

#include "engine/determinism.h"
#include "engine/llama_model.h"
#include "engine/lookup_drafter.h"
#include "engine/model_drafter.h"

namespace sovereign::engine {

namespace {

// A step without a decoding sequence should take no longer, nor should the first, of which nothing is known.
constexpr double kLongestStepSeconds = 0.5;
constexpr std::uint32_t kFirstChunks = 2;

template <class Value>
void add(EngineMetrics::Counter& counter, Value value) {
  counter.fetch_add(static_cast<std::uint64_t>(value), std::memory_order_relaxed);
}

template <class Value>
void set(EngineMetrics::Counter& gauge, Value value) {
  gauge.store(static_cast<std::uint64_t>(value), std::memory_order_relaxed);
}

}  // namespace

Engine::Loop::Loop(std::shared_ptr<const LlamaModel> loaded, std::shared_ptr<const LlamaModel> draft,
                   const EngineConfig& settings, const Clock& time)
    : model(std::move(loaded)), draft_model(std::move(draft)), config(settings), clock(time) {}

result<std::unique_ptr<Engine::Loop>> Engine::Loop::start(std::shared_ptr<const LlamaModel> model,
                                                          std::shared_ptr<const LlamaModel> draft_model,
                                                          const EngineConfig& config, const Clock& clock) {
  std::unique_ptr<Loop> loop(new Loop(std::move(model), std::move(draft_model), config, clock));
  std::promise<result<void>> ready;
  std::future<result<void>> made = ready.get_future();
  loop->thread_ = std::thread(
      [self = loop.get(), promise = std::move(ready)]() mutable { self->run(std::move(promise)); });
  if (auto status = made.get(); !status) return fail(status.error());
  return loop;
}

Engine::Loop::~Loop() {
  mailbox_.push(Stop{});
  if (Decoder* decoder = running_decoder_.load(std::memory_order_acquire)) decoder->abort();
  if (thread_.joinable()) thread_.join();
}

void Engine::Loop::post(Message message) { mailbox_.push(std::move(message)); }

result<void> Engine::Loop::make_context() {
  if (model->info().can_generate) {
    auto decoder = Decoder::create(*model, config);
    if (!decoder) return fail(decoder.error());
    decoder_ = std::move(*decoder);
    if (config.deterministic) {
      if (auto kept = probe_determinism(*decoder_, *model, config); !kept) return kept;
    }
    running_decoder_.store(decoder_.get(), std::memory_order_release);
    scheduler_ = std::make_unique<Scheduler>(SchedulerConfig{
        .kv_cells = config.kv_cells,
        .max_sequences = config.max_sequences,
        .max_cached_prefixes = config.max_cached_prefixes,
        .step_token_budget = config.step_token_budget,
        .prefill_chunk_tokens = config.prefill_chunk(),
        .prefix_sharing = config.prefix_sharing && model->info().can_share_prefix,
        .step_draft_tokens = config.speculation == Speculation::off ? 0 : config.step_draft_tokens,
    });
    scheduler_->limit_prefill(kFirstChunks * config.prefill_chunk());
    if (config.speculation != Speculation::off) {
      auto drafter = make_drafter();
      if (!drafter) return fail(drafter.error());
      speculator_ = std::make_unique<Speculator>(
          std::move(*drafter), SpeculatorLimits{config.max_draft_tokens, config.step_draft_tokens});
    }
    set(metrics.kv_cells_total, config.kv_cells);
  }
  if (Embedder::available(*model, config)) {
    auto embedder = Embedder::create(*model, config);
    if (!embedder) return fail(embedder.error());
    embedder_ = std::move(*embedder);
  }
  return {};
}

result<std::unique_ptr<Drafter>> Engine::Loop::make_drafter() {
  if (config.speculation == Speculation::prompt_lookup) return std::make_unique<LookupDrafter>();
  auto drafter = ModelDrafter::create(draft_model, config, model->info().vocabulary_size, *decoder_, clock);
  if (!drafter) return fail(drafter.error());
  return std::move(*drafter);
}

void Engine::Loop::run(std::promise<result<void>> ready) {
  // The compute threads inherit this name, so that a profiler can tell them from the server's.
  pthread_setname_np(pthread_self(), "sv-engine");
  const result<void> made = make_context();
  ready.set_value(made);
  if (!made) return;

  while (true) {
    take_messages();
    if (stopping_) break;
    const bool generates = scheduler_ != nullptr && !scheduler_->idle();
    if (!generates && embeddings_.empty()) {
      busy_since.store(kIdle, std::memory_order_relaxed);
      mailbox_.wait();
      continue;
    }
    // An embedding, which nothing can cut short, then steps for as long as it took: neither is held up for
    // longer.
    if (!embeddings_.empty() && (!generates || owed_to_steps_ <= Duration::zero())) {
      owed_to_steps_ = timed([this] { embed_one(); });
    }
    if (generates) owed_to_steps_ -= std::min(owed_to_steps_, timed([this] { step(); }));
  }
  stop_everything();
}

template <class Work>
Duration Engine::Loop::timed(Work work) {
  const Time began = clock.now();
  work();
  return clock.now() - began;
}

void Engine::Loop::take_messages() {
  for (Message& message : mailbox_.take_all()) {
    std::visit([this](auto& content) { on(content); }, message);
  }
}

template <class Call>
void Engine::Loop::with_task(GenerationTask& task, Call call) {
  const std::uint32_t waiting_before = task.waiting();
  call(task);
  queued.fetch_sub(waiting_before - task.waiting(), std::memory_order_relaxed);
}

void Engine::Loop::on(Submit& message) {
  GenerationTask& task = *message.task;
  if (task.embeds()) {
    embeddings_.push_back(task.id());
  } else {
    for (std::uint32_t choice = 0; choice < task.choices(); ++choice) scheduler_->add(task.sequence(choice));
  }
  tasks_.emplace(task.id(), std::move(message.task));
}

void Engine::Loop::on(Cancel& message) {
  const auto found = tasks_.find(message.id);
  if (found == tasks_.end()) return;
  GenerationTask& task = *found->second;
  if (task.embeds()) {
    std::erase(embeddings_, message.id);
  } else {
    for (std::uint32_t choice = 0; choice < task.choices(); ++choice)
      scheduler_->cancel(task.sequence_id(choice));
  }
  with_task(task,
            [&](GenerationTask& ended) { ended.end(FinishReason::cancelled, {}, clock.now(), metrics); });
  forget_if_done(message.id);
  update_gauges();
}

void Engine::Loop::embed_one() {
  const Time began = clock.now();
  busy_since.store(began.time_since_epoch().count(), std::memory_order_relaxed);
  const auto end_late = [&](RequestId id) {
    GenerationTask& task = *tasks_.at(id);
    if (!task.late(began)) return false;
    with_task(task, [&](GenerationTask& late) { late.end(FinishReason::deadline, {}, began, metrics); });
    forget_if_done(id);
    return true;
  };
  std::erase_if(embeddings_, end_late);
  if (!embeddings_.empty()) {
    const RequestId id = embeddings_.front();
    embeddings_.pop_front();
    with_task(*tasks_.at(id), [&](GenerationTask& task) {
      task.on_admitted(0, 0, began, metrics);
      task.on_embedding(embedder_->embed(task.prompt()), clock.now(), metrics);
    });
    forget_if_done(id);
  }
  update_gauges();
  add(metrics.engine_busy_ns, (clock.now() - began).count());
}

void Engine::Loop::on(Stop&) { stopping_ = true; }

void Engine::Loop::step() {
  const Time began = clock.now();
  busy_since.store(began.time_since_epoch().count(), std::memory_order_relaxed);
  if (speculator_) offer_drafts();
  const Plan plan = scheduler_->plan(began);

  for (const SequenceId sequence : plan.expired) {
    const RequestId id = GenerationTask::request_of(sequence);
    with_task(*tasks_.at(id), [&](GenerationTask& task) {
      task.end_choice(GenerationTask::choice_of(sequence), FinishReason::deadline, began, metrics);
    });
    forget_if_done(id);
  }
  for (const Admission& admission : plan.admitted) {
    with_task(*tasks_.at(GenerationTask::request_of(admission.sequence)), [&](GenerationTask& task) {
      if (speculator_) speculator_->begin(admission.sequence, task.prompt());
      task.on_admitted(GenerationTask::choice_of(admission.sequence), admission.shared_tokens, began,
                       metrics);
    });
  }
  for (const KvOp& op : plan.kv_ops) decoder_->apply(op);

  if (!plan.rows.empty()) {
    const Time decode_start = clock.now();
    const auto decoded = decoder_->decode(plan.rows);
    const Time decode_end = clock.now();
    add(metrics.decode_ns, (decode_end - decode_start).count());
    note_prefill(plan, decode_end - decode_start);
    if (decoded) {
      sample(plan);
      const Time sample_end = clock.now();
      add(metrics.sample_ns, (sample_end - decode_end).count());
      if (speculator_ && plan.prefill_tokens == 0) {
        speculator_->on_step(static_cast<std::uint32_t>(plan.rows.size()), sample_end - decode_start);
      }
    } else {
      fail_batch(plan, decoded.error());
    }
    add(metrics.steps, 1);
    metrics.batch_tokens.observe(static_cast<double>(plan.rows.size()));
  }
  add(metrics.prefill_tokens, plan.prefill_tokens);
  add(metrics.preemptions, plan.preempted.size());
  add(metrics.prefix_evictions, plan.evicted_prefixes);
  update_gauges();
  add(metrics.engine_busy_ns, (clock.now() - began).count());
}

// Messages and deadlines wait for the end of a step, so it must not take long, however slow the model is.
void Engine::Loop::note_prefill(const Plan& plan, Duration spent) {
  if (plan.prefill_tokens < config.prefill_chunk()) return;
  prefill_cost_.observe(static_cast<double>(plan.rows.size()), std::chrono::duration<double>(spent).count());
  const double whole = config.step_token_budget;
  const double tokens = whole * std::min(1.0, kLongestStepSeconds / prefill_cost_.of_step(whole));
  scheduler_->limit_prefill(std::max(config.prefill_chunk(), static_cast<std::uint32_t>(tokens)));
}

void Engine::Loop::offer_drafts() {
  const Time began = clock.now();
  std::vector<Speculator::Place> places;
  for (const SequenceId sequence : scheduler_->decoding()) {
    const GenerationTask& task = *tasks_.at(GenerationTask::request_of(sequence));
    places.push_back({sequence, task.tokens_left(GenerationTask::choice_of(sequence))});
  }
  for (Speculator::Draft& draft : speculator_->propose(places)) {
    scheduler_->offer_draft(draft.id, std::move(draft.tokens));
  }
  add(metrics.draft_ns, (clock.now() - began).count());
}

// Each row with logits gives its sequence's next token; a draft's row does so only when the draft is the
// token that the row before it gave. So a sequence's sampler sees what it would have seen one step after the
// other.
void Engine::Loop::sample(const Plan& plan) {
  sampled_.clear();
  const Time now = clock.now();
  for (std::size_t index = 0; index < plan.rows.size();) {
    if (!plan.rows[index].wants_logits) {
      ++index;
      continue;
    }
    const std::size_t last = index;  // the sequence's last known token; its drafts follow
    const SequenceId sequence = plan.rows[index].sequence;
    const RequestId id = GenerationTask::request_of(sequence);
    GenerationTask& task = *tasks_.at(id);
    const auto draft_at = [&](std::size_t row) { return row < plan.rows.size() && plan.rows[row].draft; };
    bool right = true;
    while (right) {
      sampled_.push_back(
          task.on_logits(GenerationTask::choice_of(sequence), decoder_->logits(index), now, metrics));
      if (speculator_) speculator_->append(sequence, sampled_.back().token);
      ++index;
      right = !sampled_.back().finished && draft_at(index) && plan.rows[index].token == sampled_.back().token;
    }
    const auto accepted = static_cast<std::uint32_t>(index - last - 1);
    while (draft_at(index)) ++index;
    const bool finished = sampled_.back().finished;
    note_drafts(sequence, static_cast<std::uint32_t>(index - last - 1), accepted, finished);
    if (finished) forget_if_done(id);
  }
  scheduler_->apply(sampled_);
}

void Engine::Loop::note_drafts(SequenceId sequence, std::uint32_t drafted, std::uint32_t accepted,
                               bool finished) {
  add(metrics.draft_tokens, drafted);
  add(metrics.accepted_tokens, accepted);
  if (!speculator_) return;
  if (finished) {
    speculator_->end(sequence);
  } else if (drafted > 0) {
    speculator_->on_verified(sequence, drafted, accepted);
  }
}

void Engine::Loop::fail_batch(const Plan& plan, const Error& error) {
  if (error.code != ErrorCode::cancelled) spdlog::error("engine: {}", error.message);
  for (const SequenceId sequence : scheduler_->fail(plan)) {
    const auto found = tasks_.find(GenerationTask::request_of(sequence));
    if (found == tasks_.end()) continue;  // a sister choice took it along
    GenerationTask& task = *found->second;
    for (std::uint32_t choice = 0; choice < task.choices(); ++choice)
      scheduler_->cancel(task.sequence_id(choice));
    const bool stopped = error.code == ErrorCode::cancelled;
    with_task(task, [&](GenerationTask& ended) {
      ended.end(stopped ? FinishReason::cancelled : FinishReason::error, error, clock.now(), metrics);
    });
    forget_if_done(found->first);
  }
}

void Engine::Loop::forget_if_done(RequestId id) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end() || !found->second->done()) return;
  const GenerationTask& task = *found->second;
  for (std::uint32_t choice = 0; speculator_ && !task.embeds() && choice < task.choices(); ++choice) {
    speculator_->end(task.sequence_id(choice));
  }
  tasks_.erase(found);
  open.fetch_sub(1, std::memory_order_release);
}

void Engine::Loop::stop_everything() {
  take_messages();
  while (!tasks_.empty()) {
    Cancel cancel{tasks_.begin()->first};
    on(cancel);
  }
  running_decoder_.store(nullptr, std::memory_order_release);
}

void Engine::Loop::update_gauges() {
  const std::size_t waiting = scheduler_ != nullptr ? scheduler_->waiting() : 0;
  set(metrics.queued, waiting + embeddings_.size());
  if (scheduler_ == nullptr) return;
  set(metrics.running, scheduler_->running());
  set(metrics.kv_cells_used, scheduler_->ledger().used_cells());
}

}  // namespace sovereign::engine
