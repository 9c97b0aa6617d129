#include "engine/model_host_state.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace sovereign::engine {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void ModelHost::State::start() {
  driver_ = std::thread([this] { run(); });
}

void ModelHost::State::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  driver_.join();
  if (mover_.joinable()) mover_.join();
  std::unordered_map<RequestId, Waiting> waiting;
  std::vector<Engine> engines;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
    for (auto& [model, slot] : slots_) engines.push_back(std::exchange(slot.engine, nullptr));
  }
  for (auto& [id, request] : waiting) {
    request.turn(
        fail(ErrorCode::unavailable, "the server is shutting down; try another one, or again later"));
  }
  engines.clear();  // without the lock: their last sinks come back here
}

ModelHost::State::Model ModelHost::State::add(HostedModel model) {
  const std::lock_guard lock(mutex_);
  const Model number = ++last_model_;
  core_.add(number, model.bytes);
  slots_[number].model = std::move(model);
  return number;
}

void ModelHost::State::remove(Model model) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    std::vector<Residency::Ticket> orphans;
    core_.retire(model, orphans);
    fail_all(orphans, {ErrorCode::unavailable, "the model is no longer served", "model"}, calls);
    if (!core_.has(model)) slots_.erase(model);
    news_ = true;
  }
  changed_.notify_all();
  for (const auto& call : calls) call();
}

void ModelHost::State::configure(const ModelHostConfig& config) {
  const std::lock_guard lock(mutex_);
  config_ = config;
  core_.configure(config.residency);
  news_ = true;
  changed_.notify_all();
}

void ModelHost::State::set_pinned_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  core_.set_pinned_bytes(bytes);
  news_ = true;
  changed_.notify_all();
}

RequestId ModelHost::State::new_id() {
  const std::lock_guard lock(mutex_);
  return ++last_id_;
}

result<ModelHost::State::Engine> ModelHost::State::enter(Model model, RequestId id,
                                                         std::optional<Time> deadline, Turn turn) {
  const std::lock_guard lock(mutex_);
  const auto slot = slots_.find(model);
  if (stopping_ || slot == slots_.end()) return fail(ErrorCode::unavailable, "the model is no longer served");
  const std::string& name = slot->second.model.name;
  const Time now = clock_.now();
  Time until = now + config_.load_timeout;
  const bool to_its_deadline = deadline && *deadline < until;
  if (to_its_deadline) until = *deadline;
  switch (core_.enter(model, id, until, now)) {
    case Residency::Verdict::admitted: return slot->second.engine;
    case Residency::Verdict::too_large:
      return fail(ErrorCode::unsupported,
                  fmt::format("the model '{}' takes about {} MB, more than model.memory_budget leaves for it",
                              name, slot->second.model.bytes / 1'000'000),
                  "model");
    case Residency::Verdict::failed_lately: {
      const auto& error = slot->second.last_error;
      return fail(error ? *error : Error{ErrorCode::unavailable, "the model could not be loaded", "model"});
    }
    case Residency::Verdict::waits: break;
  }
  if (waiting_.size() >= config_.max_waiting) {
    core_.withdraw(id);
    return fail(ErrorCode::resource_exhausted,
                fmt::format("{} requests wait for models already; try again later", waiting_.size()));
  }
  waiting_.emplace(id, Waiting{model, std::move(turn), to_its_deadline});
  news_ = true;
  changed_.notify_all();
  return Engine();
}

void ModelHost::State::leave(Model model) {
  const std::lock_guard lock(mutex_);
  if (!core_.has(model)) return;
  core_.leave(model, clock_.now());
  news_ = true;
  changed_.notify_all();
}

ModelHost::State::Turn ModelHost::State::take_turn(RequestId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return {};
  Turn turn = std::move(found->second.turn);
  waiting_.erase(found);
  return turn;
}

ModelHost::State::Turn ModelHost::State::withdraw(RequestId id) {
  const std::lock_guard lock(mutex_);
  if (!core_.withdraw(id)) return {};
  return take_turn(id);
}

void ModelHost::State::fail_all(const std::vector<Residency::Ticket>& tickets, const Error& error,
                                Calls& calls) {
  for (const auto ticket : tickets) {
    if (auto turn = take_turn(ticket))
      calls.push_back([turn = std::move(turn), error] { turn(fail(error)); });
  }
}

void ModelHost::State::fail_expired(const std::vector<Residency::Ticket>& tickets, Calls& calls) {
  for (const auto ticket : tickets) {
    const Waiting& waiting = waiting_.at(ticket);
    // Who still has time may be answered by another model.
    const Error error =
        waiting.to_its_deadline
            ? Error{ErrorCode::deadline_exceeded, "the request's time is over before its model is in memory",
                    "model"}
            : Error{
                  ErrorCode::unavailable,
                  fmt::format("the model '{}' did not come into memory within model.load_timeout; try again "
                              "later",
                              slots_.at(waiting.model).model.name),
                  "model"};
    fail_all({ticket}, error, calls);
  }
}

void ModelHost::State::run() {
  pthread_setname_np(pthread_self(), "sv-models");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    news_ = false;
    const auto step = core_.next(clock_.now());
    Calls calls;
    for (const auto ticket : step.admitted) {
      const Model model = waiting_.at(ticket).model;
      calls.push_back([turn = take_turn(ticket), engine = slots_.at(model).engine] { turn(engine); });
    }
    fail_expired(step.expired, calls);
    if (step.load || step.unload) {
      Engine leaving;
      if (step.unload) leaving = std::exchange(slots_.at(*step.unload).engine, nullptr);
      lock.unlock();
      // The last one has told the core that it is done; only its thread's end is waited for.
      if (mover_.joinable()) mover_.join();
      mover_ = step.load ? std::thread([this, model = *step.load] { load(model); })
                         : std::thread([this, model = *step.unload, engine = std::move(leaving)]() mutable {
                             unload(model, std::move(engine));
                           });
      lock.lock();
    }
    if (!calls.empty()) {
      lock.unlock();
      for (const auto& call : calls) call();
      calls.clear();
      lock.lock();
      continue;
    }
    const auto ready = [this] { return news_ || stopping_; };
    const auto wake = core_.wake_at(clock_.now());
    if (!wake) {
      changed_.wait(lock, ready);
    } else {
      changed_.wait_for(lock, *wake - clock_.now(), ready);
    }
  }
}

void ModelHost::State::load(Model model) {
  std::string name;
  std::function<result<Engine>()> loader;
  {
    const std::lock_guard lock(mutex_);
    name = slots_.at(model).model.name;
    loader = slots_.at(model).model.load;
  }
  const Time began = clock_.now();
  auto engine = loader();
  Calls calls;
  Engine unwanted;  // destroyed after the lock
  {
    const std::lock_guard lock(mutex_);
    if (engine) {
      spdlog::info("model '{}' is in memory after {:.1f} s", name, seconds(clock_.now() - began));
      slots_.at(model).engine = std::move(*engine);
      slots_.at(model).last_error.reset();
      core_.loaded(model, clock_.now());
    } else {
      // Whatever is wrong with its file, it is not the request's fault.
      const Error error{ErrorCode::unavailable,
                        fmt::format("the model '{}' cannot be loaded: {}", name, engine.error().message),
                        "model"};
      spdlog::error("{}", error.message);
      slots_.at(model).last_error = error;
      std::vector<Residency::Ticket> orphans;
      core_.failed(model, clock_.now(), orphans);
      fail_all(orphans, error, calls);
      if (!core_.has(model)) slots_.erase(model);
    }
    news_ = true;
  }
  changed_.notify_all();
  for (const auto& call : calls) call();
}

void ModelHost::State::unload(Model model, Engine engine) {
  std::shared_ptr<EngineMetrics> past;
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    past = slots_.at(model).past;
    name = slots_.at(model).model.name;
  }
  // Whoever looks at its counters at this moment holds it for so long.
  if (engine != nullptr) {
    engine->add_metrics(*past);
    past->clear_gauges();
    engine.reset();
  }
  spdlog::info("model '{}' has left memory", name);
  {
    const std::lock_guard lock(mutex_);
    core_.unloaded(model);
    if (!core_.has(model)) slots_.erase(model);
    news_ = true;
  }
  changed_.notify_all();
}

ModelHost::State::Engine ModelHost::State::engine_of(Model model) const {
  const std::lock_guard lock(mutex_);
  const auto slot = slots_.find(model);
  return slot == slots_.end() ? nullptr : slot->second.engine;
}

EngineStatus ModelHost::State::status(Model model) const {
  using Is = EngineStatus::State;
  const std::lock_guard lock(mutex_);
  const auto slot = slots_.find(model);
  if (slot == slots_.end()) return {Is::failed, "the model is no longer served"};
  if (slot->second.engine != nullptr) return {};
  if (core_.state(model) == Residency::State::loading) return {Is::loading, {}};
  const auto& error = slot->second.last_error;
  if (core_.failed_lately(model, clock_.now())) return {Is::failed, error ? error->message : std::string()};
  return {Is::cold, {}};
}

void ModelHost::State::add_metrics(Model model, EngineMetrics& total) const {
  Engine engine;
  {
    const std::lock_guard lock(mutex_);
    const auto slot = slots_.find(model);
    if (slot == slots_.end()) return;
    total.add(*slot->second.past);
    engine = slot->second.engine;
  }
  if (engine) engine->add_metrics(total);
}

std::uint64_t ModelHost::State::bytes_in_use() const {
  const std::lock_guard lock(mutex_);
  return core_.bytes_in_use();
}

}  // namespace sovereign::engine
