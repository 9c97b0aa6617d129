// The engine: one thread that owns one llama context and serves many requests in one batch.
//
// The thread loops: drain arrivals and cancels -> Scheduler::plan() -> llama_decode -> sample ->
// Scheduler::apply() -> hand tokens out (Orca's iteration-level scheduling, OSDI '22). No lock is held
// across a decode; the only shared state is the mailbox (lock-free) and counters (relaxed atomics).
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/engine_metrics.h"
#include "engine/generation.h"
#include "engine/inference_engine.h"

namespace sovereign::engine {

class LlamaModel;

// All public calls are thread-safe. Destruction cancels what is left and joins the thread.
class Engine final : public InferenceEngine {
 public:
  // Creates the context (KV cache) and starts the thread. The models are shared and outlive the engine;
  // `draft_model` is there when config.speculation is `draft`. Errors: resource_exhausted (memory),
  // unsupported (a model without a decoder; deterministic cannot be kept), invalid_argument (the settings, or
  // a draft model with another vocabulary).
  static result<std::unique_ptr<Engine>> start(std::shared_ptr<const LlamaModel> model,
                                               const EngineConfig& config, const Clock& clock,
                                               std::shared_ptr<const LlamaModel> draft_model = nullptr);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) override;
  void cancel(RequestId id) noexcept override;
  void drain() noexcept override;
  bool idle() const noexcept override;
  void add_metrics(EngineMetrics& total) const override;
  Duration stalled_for(Time now) const noexcept override;
  std::uint32_t max_queued() const noexcept override;
  std::uint32_t context_tokens() const noexcept override;

  // Counters and gauges; readable at any time without disturbing the engine.
  const EngineMetrics& metrics() const noexcept;
  const LlamaModel& model() const noexcept;

 private:
  class Loop;
  explicit Engine(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace sovereign::engine
