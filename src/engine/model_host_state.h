// What a ModelHost, its engines and the sinks of its requests share. Private to the host.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/engine_metrics.h"
#include "engine/model_host.h"

namespace sovereign::engine {

class ModelHost::State : public std::enable_shared_from_this<State> {
 public:
  using Engine = std::shared_ptr<InferenceEngine>;
  using Model = Residency::Model;
  // What a request does when its model is there, or is not going to be.
  using Turn = std::function<void(result<Engine>)>;

  State(const ModelHostConfig& config, const Clock& clock)
      : config_(config), clock_(clock), core_(config.residency) {}

  void start();
  void stop();

  Model add(HostedModel model);
  void remove(Model model);
  void configure(const ModelHostConfig& config);
  void set_pinned_bytes(std::uint64_t bytes);

  RequestId new_id();
  // The engine, when the model is in memory: its user until leave(). Else nothing, and `turn` is called
  // later, on the host's thread; the caller is a user from then on if it gets an engine. Errors:
  // resource_exhausted, unavailable, unsupported (it would never fit), or what the loader said a moment ago;
  // `turn` is not called then.
  result<Engine> enter(Model model, RequestId id, std::optional<Time> deadline, Turn turn);
  void leave(Model model);
  // The turn of one that waits, for the caller to call; empty: it does not wait.
  Turn withdraw(RequestId id);

  Engine engine_of(Model model) const;
  EngineStatus status(Model model) const;
  void add_metrics(Model model, EngineMetrics& total) const;
  std::uint64_t bytes_in_use() const;
  Time now() const { return clock_.now(); }
  std::uint32_t max_waiting() const {
    const std::lock_guard lock(mutex_);
    return config_.max_waiting;
  }

 private:
  struct Slot {
    HostedModel model;
    Engine engine;
    std::optional<Error> last_error;
    std::shared_ptr<EngineMetrics> past = std::make_shared<EngineMetrics>();  // of engines that were unloaded
  };
  struct Waiting {
    Model model;
    Turn turn;
    bool to_its_deadline;  // the request's own comes before load_timeout
  };
  using Calls = std::vector<std::function<void()>>;

  void run();
  void move(const Residency::Step& step);
  void load(Model model);
  void unload(Model model, Engine engine);
  Turn take_turn(RequestId id);
  // Those who have waited too long.
  void fail_expired(const std::vector<Residency::Ticket>& tickets, Calls& calls);
  void fail_all(const std::vector<Residency::Ticket>& tickets, const Error& error, Calls& calls);

  ModelHostConfig config_;  // guarded by mutex_
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Residency core_;                                  // guarded by mutex_
  std::map<Model, Slot> slots_;                     // guarded by mutex_
  std::unordered_map<RequestId, Waiting> waiting_;  // guarded by mutex_
  Model last_model_ = 0;                            // guarded by mutex_
  RequestId last_id_ = 0;                           // guarded by mutex_
  bool news_ = false;                               // guarded by mutex_; something changed since next()
  bool stopping_ = false;                           // guarded by mutex_
  std::thread driver_;
  std::thread mover_;  // of the driver's: the load or unload under way
};

}  // namespace sovereign::engine
