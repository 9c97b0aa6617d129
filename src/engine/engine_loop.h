// The engine thread: what runs between a request's arrival and its last token.
//
// Everything below `run()` belongs to that thread; post() and the atomics are for all others.
#pragma once

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <variant>

#include "base/clock.h"
#include "engine/decoder.h"
#include "engine/embedder.h"
#include "engine/engine.h"
#include "engine/generation_task.h"
#include "engine/mailbox.h"
#include "engine/scheduler.h"
#include "engine/speculator.h"
#include "engine/step_cost.h"

namespace sovereign::engine {

class Engine::Loop {
 public:
  struct Submit {
    std::unique_ptr<GenerationTask> task;
  };
  struct Cancel {
    RequestId id;
  };
  struct Stop {};
  using Message = std::variant<Submit, Cancel, Stop>;

  // Starts the thread and waits until its context is made.
  static result<std::unique_ptr<Loop>> start(std::shared_ptr<const LlamaModel> model,
                                             std::shared_ptr<const LlamaModel> draft_model,
                                             const EngineConfig& config, const Clock& clock);
  // Stops after the decode under way is aborted; what is left ends as cancelled.
  ~Loop();

  void post(Message message);

  const std::shared_ptr<const LlamaModel> model;
  const std::shared_ptr<const LlamaModel> draft_model;  // null: none
  const EngineConfig config;
  const Clock& clock;
  EngineMetrics metrics;
  std::atomic<bool> draining{false};
  std::atomic<RequestId> last_request{0};
  std::atomic<std::uint32_t> queued{0};          // choices accepted that have had no slot yet
  std::atomic<std::uint32_t> open{0};            // requests accepted that are not done
  std::atomic<Duration::rep> busy_since{kIdle};  // when the step under way began

  static constexpr Duration::rep kIdle = 0;

 private:
  Loop(std::shared_ptr<const LlamaModel> model, std::shared_ptr<const LlamaModel> draft_model,
       const EngineConfig& config, const Clock& clock);

  void run(std::promise<result<void>> ready);
  result<void> make_context();
  result<std::unique_ptr<Drafter>> make_drafter();
  void take_messages();
  void on(Submit& message);
  void on(Cancel& message);
  void on(Stop& message);
  // Ends embeddings whose deadline has passed, and computes the oldest of the others.
  void embed_one();
  void step();
  // How long it took.
  template <class Work>
  Duration timed(Work work);
  void note_prefill(const Plan& plan, Duration spent);
  void offer_drafts();
  void sample(const Plan& plan);
  void note_drafts(SequenceId sequence, std::uint32_t drafted, std::uint32_t accepted, bool finished);
  void fail_batch(const Plan& plan, const Error& error);
  void forget_if_done(RequestId id);
  void stop_everything();
  void update_gauges();
  // Keeps `queued` right over whatever a call does to the task.
  template <class Call>
  void with_task(GenerationTask& task, Call call);

  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Embedder> embedder_;
  std::unique_ptr<Speculator> speculator_;  // null: off
  std::unordered_map<RequestId, std::unique_ptr<GenerationTask>> tasks_;
  std::deque<RequestId> embeddings_;  // that wait, oldest first
  Duration owed_to_steps_{};          // for the last of them
  std::vector<Sampled> sampled_;
  StepCost prefill_cost_;  // seconds, of steps without a decoding sequence
  bool stopping_ = false;
  Mailbox<Message> mailbox_;
  std::atomic<Decoder*> running_decoder_{nullptr};  // for ~Loop to abort
  std::thread thread_;
};

}  // namespace sovereign::engine
