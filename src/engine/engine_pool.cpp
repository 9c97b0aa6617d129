#include "engine/engine_pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/decoder.h"
#include "engine/engine.h"
#include "engine/pool_choice.h"

namespace sovereign::engine {
namespace {

void end_unanswered(GenerationSink& sink, std::uint32_t choices, FinishReason reason,
                    const std::optional<Error>& error) {
  for (std::uint32_t choice = 0; choice < choices; ++choice) {
    GenerationDelta delta;
    delta.choice = choice;
    delta.finish = reason;
    sink.on_delta(std::move(delta));
  }
  GenerationSummary summary;
  summary.error = error;
  sink.on_done(summary);
}

}  // namespace

EngineConfig share_of(EngineConfig config) {
  const std::uint32_t pool = config.pool;
  if (pool <= 1) return config;
  const auto share = [pool](std::uint32_t all) { return std::max(1U, (all + pool - 1) / pool); };
  config.threads = std::max(1U, (config.threads == 0 ? default_compute_threads() : config.threads) / pool);
  config.kv_cells = std::max(config.context_tokens, config.kv_cells / pool);
  config.max_sequences = share(config.max_sequences);
  config.max_cached_prefixes = config.max_cached_prefixes / pool;
  config.step_token_budget = std::max(config.step_token_budget / pool, config.max_sequences);
  return config;
}

result<std::unique_ptr<InferenceEngine>> start_engines(const std::shared_ptr<const LlamaModel>& model,
                                                       const EngineConfig& config, const Clock& clock,
                                                       const std::shared_ptr<const LlamaModel>& draft_model) {
  if (config.pool <= 1) {
    auto engine = Engine::start(model, config, clock, draft_model);
    if (!engine) return fail(engine.error());
    return std::unique_ptr<InferenceEngine>(std::move(*engine));
  }
  const EngineConfig share = share_of(config);
  std::vector<std::unique_ptr<InferenceEngine>> engines;
  for (std::uint32_t i = 0; i < config.pool; ++i) {
    auto engine = Engine::start(model, share, clock, draft_model);
    if (!engine) return fail(engine.error());
    engines.push_back(std::move(*engine));
  }
  return std::unique_ptr<InferenceEngine>(
      new EnginePool(std::move(engines), share.max_sequences, config.max_queued));
}

class EnginePool::State : public std::enable_shared_from_this<State> {
 public:
  State(std::vector<std::unique_ptr<InferenceEngine>> all, std::uint32_t capacity, std::uint32_t queue_bound)
      : max_queued(queue_bound), engines(std::move(all)), capacity_(capacity), running_(engines.size(), 0) {}

  void start() {
    dispatcher_ = std::thread([this] { dispatch(); });
  }
  void stop();
  result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink);
  void cancel(RequestId id);
  void ended(RequestId id);
  bool idle() const {
    const std::lock_guard lock(mutex_);
    return requests_.empty();
  }
  std::uint32_t queued() const {
    const std::lock_guard lock(mutex_);
    return queued_;
  }

  const std::uint32_t max_queued;
  // Set once; emptied by stop() alone.
  std::vector<std::unique_ptr<InferenceEngine>> engines;
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> expired{0};

 private:
  struct Waiting {
    RequestId id;
    std::uint32_t choices;
    std::optional<std::uint64_t> beginning;
    GenerationRequest request;
    std::shared_ptr<GenerationSink> sink;
  };
  struct Placed {
    std::uint32_t choices = 0;
    std::optional<std::size_t> engine;  // none: it waits
    std::optional<RequestId> inner;
    bool cancelled = false;
  };
  void dispatch();
  std::vector<Waiting> take_late(Time now);
  Waiting take(std::deque<Waiting>::iterator place);
  result<void> hand_over(Waiting request, std::size_t engine);

  const std::uint32_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::vector<std::uint32_t> running_;              // guarded by mutex_; choices of each engine
  std::unordered_map<RequestId, Placed> requests_;  // guarded by mutex_
  std::deque<Waiting> waiting_;                     // guarded by mutex_; in order of arrival
  std::uint32_t queued_ = 0;                        // guarded by mutex_; choices of those that wait
  Time wakes_at_ = Time::max();                     // guarded by mutex_; the dispatcher, if nothing happens
  RequestId last_id_ = 0;                           // guarded by mutex_
  bool stopping_ = false;                           // guarded by mutex_
  std::thread dispatcher_;
};

class EnginePool::PoolSink final : public GenerationSink {
 public:
  PoolSink(std::shared_ptr<State> state, RequestId id, std::shared_ptr<GenerationSink> sink)
      : state_(std::move(state)), id_(id), sink_(std::move(sink)) {}
  void on_delta(GenerationDelta delta) noexcept override { sink_->on_delta(std::move(delta)); }
  void on_done(const GenerationSummary& summary) noexcept override {
    sink_->on_done(summary);
    state_->ended(id_);
  }

 private:
  const std::shared_ptr<State> state_;
  const RequestId id_;
  const std::shared_ptr<GenerationSink> sink_;
};

result<RequestId> EnginePool::State::submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) {
  if (draining.load(std::memory_order_relaxed)) {
    return fail(ErrorCode::unavailable, "the server is shutting down; try another one, or again later");
  }
  Waiting made{0, request.n, beginning_of(request.prompt), std::move(request), std::move(sink)};
  std::size_t engine = 0;
  {
    const std::lock_guard lock(mutex_);
    made.id = ++last_id_;
    const auto choice =
        waiting_.empty() ? choose_engine(running_, capacity_, made.choices, made.beginning) : std::nullopt;
    if (!choice) {
      if (queued_ + made.choices > max_queued) {
        refused.fetch_add(1, std::memory_order_relaxed);
        return fail(ErrorCode::resource_exhausted,
                    fmt::format("the queue is full ({} requests wait); try again later", max_queued));
      }
      requests_[made.id].choices = made.choices;
      queued_ += made.choices;
      if (made.request.deadline && *made.request.deadline < wakes_at_) room_.notify_one();
      waiting_.push_back(std::move(made));
      return last_id_;
    }
    engine = *choice;
    requests_[made.id] = {made.choices, engine, std::nullopt, false};
    running_[engine] += made.choices;
  }
  const RequestId id = made.id;
  if (auto handed = hand_over(std::move(made), engine); !handed) return fail(handed.error());
  return id;
}

// Of a request that was placed. After an error it is forgotten.
result<void> EnginePool::State::hand_over(Waiting request, std::size_t engine) {
  const RequestId id = request.id;
  auto sink = std::make_shared<PoolSink>(shared_from_this(), id, std::move(request.sink));
  const auto inner = engines[engine]->submit(std::move(request.request), std::move(sink));
  if (!inner) {
    ended(id);
    return fail(inner.error());
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = requests_.find(id);
    if (found == requests_.end()) return {};  // it has ended already
    found->second.inner = *inner;
    if (!found->second.cancelled) return {};
  }
  engines[engine]->cancel(*inner);
  return {};
}

void EnginePool::State::ended(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  if (found->second.engine) running_[*found->second.engine] -= found->second.choices;
  requests_.erase(found);
  if (!waiting_.empty()) room_.notify_one();
}

EnginePool::State::Waiting EnginePool::State::take(std::deque<Waiting>::iterator place) {
  Waiting taken = std::move(*place);
  waiting_.erase(place);
  queued_ -= taken.choices;
  return taken;
}

// Those whose deadline has passed; they are forgotten. Of the others, the first deadline is when to look
// again.
std::vector<EnginePool::State::Waiting> EnginePool::State::take_late(Time now) {
  std::vector<Waiting> late;
  wakes_at_ = Time::max();
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    const Time deadline = each->request.deadline.value_or(Time::max());
    if (deadline > now) {
      wakes_at_ = std::min(wakes_at_, deadline);
      ++each;
      continue;
    }
    const auto place = each - waiting_.begin();
    late.push_back(take(each));
    requests_.erase(late.back().id);
    each = waiting_.begin() + place;
  }
  return late;
}

// Compiling a grammar takes time that an engine's thread, which calls ended(), must not lose.
void EnginePool::State::dispatch() {
  pthread_setname_np(pthread_self(), "sv-pool");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (const auto late = take_late(SteadyClock().now()); !late.empty()) {
      lock.unlock();
      expired.fetch_add(late.size(), std::memory_order_relaxed);
      for (const Waiting& request : late) {
        end_unanswered(*request.sink, request.choices, FinishReason::deadline, {});
      }
      lock.lock();
      continue;
    }
    std::optional<std::size_t> engine;
    if (!waiting_.empty()) {
      const Waiting& first = waiting_.front();
      engine = choose_engine(running_, capacity_, first.choices, first.beginning);
    }
    if (!engine) {
      if (wakes_at_ == Time::max()) {
        room_.wait(lock);
      } else {
        room_.wait_until(lock, wakes_at_);
      }
      continue;
    }
    Waiting next = take(waiting_.begin());
    running_[*engine] += next.choices;
    requests_[next.id].engine = engine;
    lock.unlock();
    const auto sink = next.sink;
    const std::uint32_t choices = next.choices;
    if (auto handed = hand_over(std::move(next), *engine); !handed) {
      end_unanswered(*sink, choices, FinishReason::error, handed.error());
    }
    lock.lock();
  }
}

void EnginePool::State::cancel(RequestId id) {
  std::optional<Waiting> waited;
  std::optional<RequestId> inner;
  std::size_t engine = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const auto place =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& each) { return each.id == id; });
    if (place != waiting_.end()) {
      waited = take(place);
      requests_.erase(found);
      room_.notify_one();  // the next may be smaller
    } else {
      found->second.cancelled = true;
      inner = found->second.inner;
      engine = found->second.engine.value_or(0);
    }
  }
  if (waited) return end_unanswered(*waited->sink, waited->choices, FinishReason::cancelled, {});
  if (inner) engines[engine]->cancel(*inner);
}

void EnginePool::State::stop() {
  std::deque<Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(waiting_);
    queued_ = 0;
    for (const Waiting& request : left) requests_.erase(request.id);
  }
  room_.notify_all();
  dispatcher_.join();
  for (Waiting& request : left) end_unanswered(*request.sink, request.choices, FinishReason::cancelled, {});
  // Their last sinks come back here; the vector stays, for a cancel that is under way.
  for (auto& engine : engines) engine->drain();
  engines.clear();
}

EnginePool::EnginePool(std::vector<std::unique_ptr<InferenceEngine>> engines, std::uint32_t capacity,
                       std::uint32_t max_queued)
    : state_(std::make_shared<State>(std::move(engines), capacity, max_queued)) {
  state_->start();
}

EnginePool::~EnginePool() { state_->stop(); }

result<RequestId> EnginePool::submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) {
  return state_->submit(std::move(request), std::move(sink));
}

void EnginePool::cancel(RequestId id) noexcept { state_->cancel(id); }

void EnginePool::drain() noexcept { state_->draining.store(true, std::memory_order_relaxed); }

bool EnginePool::idle() const noexcept { return state_->idle(); }

void EnginePool::add_metrics(EngineMetrics& total) const {
  for (const auto& engine : state_->engines) engine->add_metrics(total);
  total.queued.fetch_add(state_->queued(), std::memory_order_relaxed);
  total.requests_refused.fetch_add(state_->refused.load(std::memory_order_relaxed),
                                   std::memory_order_relaxed);
  total.requests_expired.fetch_add(state_->expired.load(std::memory_order_relaxed),
                                   std::memory_order_relaxed);
}

Duration EnginePool::stalled_for(Time now) const noexcept {
  Duration longest{};
  for (const auto& engine : state_->engines) longest = std::max(longest, engine->stalled_for(now));
  return longest;
}

std::uint32_t EnginePool::max_queued() const noexcept { return state_->max_queued; }

std::uint32_t EnginePool::context_tokens() const noexcept {
  return state_->engines.front()->context_tokens();
}

}  // namespace sovereign::engine
