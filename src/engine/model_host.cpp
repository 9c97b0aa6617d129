#include "engine/model_host.h"

#include <atomic>
#include <utility>

#include "engine/model_host_state.h"

namespace sovereign::engine {

// A hosted model as an engine.
class ModelHost::Hosted final : public InferenceEngine, public std::enable_shared_from_this<Hosted> {
 public:
  Hosted(std::shared_ptr<State> state, Residency::Model model, std::uint32_t context_tokens)
      : state_(std::move(state)),
        users_(std::make_shared<Users>()),
        model_(model),
        context_tokens_(context_tokens) {}
  ~Hosted() override { state_->remove(model_); }

  result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) override;
  void cancel(RequestId id) noexcept override;

  void drain() noexcept override { draining_.store(true, std::memory_order_relaxed); }
  bool idle() const noexcept override {
    const std::lock_guard lock(users_->mutex);
    return users_->requests.empty();
  }
  EngineStatus status() const override { return state_->status(model_); }
  void add_metrics(EngineMetrics& total) const override { state_->add_metrics(model_, total); }
  Duration stalled_for(Time now) const noexcept override {
    const auto engine = state_->engine_of(model_);
    return engine ? engine->stalled_for(now) : Duration::zero();
  }
  std::uint32_t max_queued() const noexcept override {
    const auto engine = state_->engine_of(model_);
    return engine ? engine->max_queued() : state_->max_waiting();
  }
  std::uint32_t context_tokens() const noexcept override { return context_tokens_; }

 private:
  friend class UserSink;
  // Where each request is: waiting, or in an engine under a number of that engine's.
  struct Request {
    std::weak_ptr<InferenceEngine> engine;
    std::optional<RequestId> id;
    bool cancelled = false;
  };
  struct Users {
    std::mutex mutex;
    std::unordered_map<RequestId, Request> requests;  // guarded by mutex

    void end(RequestId id) {
      const std::lock_guard lock(mutex);
      requests.erase(id);
    }
  };
  static result<void> pass_on(const std::shared_ptr<State>& state, const std::shared_ptr<Users>& users,
                              Residency::Model model, RequestId id, const State::Engine& engine,
                              GenerationRequest request, std::shared_ptr<GenerationSink> sink);

  const std::shared_ptr<State> state_;
  const std::shared_ptr<Users> users_;
  const Residency::Model model_;
  const std::uint32_t context_tokens_;
  std::atomic<bool> draining_{false};
};

// Counts a request among its model's users until its end.
class ModelHost::UserSink final : public GenerationSink {
 public:
  UserSink(std::shared_ptr<State> state, std::shared_ptr<Hosted::Users> users, Residency::Model model,
           RequestId id, std::shared_ptr<GenerationSink> sink)
      : state_(std::move(state)), users_(std::move(users)), model_(model), id_(id), sink_(std::move(sink)) {}

  void on_delta(GenerationDelta delta) noexcept override { sink_->on_delta(std::move(delta)); }
  void on_done(const GenerationSummary& summary) noexcept override {
    sink_->on_done(summary);
    users_->end(id_);
    state_->leave(model_);
  }

 private:
  const std::shared_ptr<State> state_;
  const std::shared_ptr<Hosted::Users> users_;
  const Residency::Model model_;
  const RequestId id_;
  const std::shared_ptr<GenerationSink> sink_;
};

namespace {

void end_without_engine(GenerationSink& sink, std::uint32_t choices, const Error& error) {
  const auto reason = error.code == ErrorCode::cancelled           ? FinishReason::cancelled
                      : error.code == ErrorCode::deadline_exceeded ? FinishReason::deadline
                                                                   : FinishReason::error;
  for (std::uint32_t choice = 0; choice < choices; ++choice) {
    GenerationDelta delta;
    delta.choice = choice;
    delta.finish = reason;
    sink.on_delta(std::move(delta));
  }
  GenerationSummary summary;
  if (reason == FinishReason::error) summary.error = error;
  sink.on_done(summary);
}

}  // namespace

result<void> ModelHost::Hosted::pass_on(const std::shared_ptr<State>& state,
                                        const std::shared_ptr<Users>& users, Residency::Model model,
                                        RequestId id, const State::Engine& engine, GenerationRequest request,
                                        std::shared_ptr<GenerationSink> sink) {
  auto counted = std::make_shared<UserSink>(state, users, model, id, std::move(sink));
  const auto inner = engine->submit(std::move(request), std::move(counted));
  if (!inner) {
    users->end(id);
    state->leave(model);
    return fail(inner.error());
  }
  bool cancelled = false;
  {
    const std::lock_guard lock(users->mutex);
    const auto found = users->requests.find(id);
    if (found == users->requests.end()) return {};  // it has ended already
    found->second.engine = engine;
    found->second.id = *inner;
    cancelled = found->second.cancelled;
  }
  if (cancelled) engine->cancel(*inner);
  return {};
}

result<RequestId> ModelHost::Hosted::submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) {
  if (draining_.load(std::memory_order_relaxed)) {
    return fail(ErrorCode::unavailable, "the server is shutting down; try another one, or again later");
  }
  const RequestId id = state_->new_id();
  {
    const std::lock_guard lock(users_->mutex);
    users_->requests.emplace(id, Request{});
  }
  const auto deadline = request.deadline;
  const auto held = std::make_shared<GenerationRequest>(std::move(request));
  auto engine = state_->enter(
      model_, id, deadline,
      [state = state_, users = users_, model = model_, id, held, sink](result<State::Engine> there) {
        const std::uint32_t choices = held->n;
        if (!there) {
          users->end(id);
          return end_without_engine(*sink, choices, there.error());
        }
        const auto passed = pass_on(state, users, model, id, *there, std::move(*held), sink);
        if (!passed) end_without_engine(*sink, choices, passed.error());
      });
  if (!engine) {
    users_->end(id);
    return fail(engine.error());
  }
  if (*engine == nullptr) return id;
  if (auto passed = pass_on(state_, users_, model_, id, *engine, std::move(*held), sink); !passed) {
    return fail(passed.error());
  }
  return id;
}

void ModelHost::Hosted::cancel(RequestId id) noexcept {
  if (const auto turn = state_->withdraw(id)) {
    return turn(fail(ErrorCode::cancelled, "the client left"));
  }
  std::shared_ptr<InferenceEngine> engine;
  std::optional<RequestId> inner;
  {
    const std::lock_guard lock(users_->mutex);
    const auto found = users_->requests.find(id);
    if (found == users_->requests.end()) return;
    found->second.cancelled = true;
    engine = found->second.engine.lock();
    inner = found->second.id;
  }
  if (engine && inner) engine->cancel(*inner);
}

ModelHost::ModelHost(const ModelHostConfig& config, const Clock& clock)
    : state_(std::make_shared<State>(config, clock)) {
  state_->start();
}

ModelHost::~ModelHost() { state_->stop(); }

void ModelHost::configure(const ModelHostConfig& config) { state_->configure(config); }

void ModelHost::set_pinned_bytes(std::uint64_t bytes) { state_->set_pinned_bytes(bytes); }

std::shared_ptr<InferenceEngine> ModelHost::add(HostedModel model) {
  const auto context_tokens = model.context_tokens;
  const auto number = state_->add(std::move(model));
  return std::make_shared<Hosted>(state_, number, context_tokens);
}

std::uint64_t ModelHost::bytes_in_use() const { return state_->bytes_in_use(); }

}  // namespace sovereign::engine
