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

namespace sovereign::engine {

class LlamaModel;

// All public calls are thread-safe. Destruction cancels what is left and joins the thread.
class Engine {
 public:
  // Creates the context (KV cache) and starts the thread. The models are shared and outlive the engine;
  // `draft_model` is there when config.speculation is `draft`. Errors: resource_exhausted (memory),
  // unsupported (a model without a decoder; deterministic cannot be kept), invalid_argument (the settings, or
  // a draft model with another vocabulary).
  static result<std::unique_ptr<Engine>> start(std::shared_ptr<const LlamaModel> model,
                                               const EngineConfig& config, const Clock& clock,
                                               std::shared_ptr<const LlamaModel> draft_model = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Hands a request over. From here on exactly one on_done() follows on the sink, which is kept alive
  // until then. Errors (no call to the sink then): invalid_argument (empty or too long prompt, bad
  // grammar), resource_exhausted (queue full), unavailable (draining or failed).
  result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink);

  // Asks for the end of a request; its slot is free at the next step. Unknown ids are ignored.
  void cancel(RequestId id) noexcept;

  // Mean-pooled, L2-normalized embedding of one input; `unsupported` for models that are not made
  // for it. Blocks the caller until the engine thread has done it: call from a worker thread.
  result<std::vector<float>> embed(std::vector<Token> tokens);

  // Refuses new requests from now on; those accepted go on.
  void drain() noexcept;
  // True when nothing is queued or running.
  bool idle() const noexcept;

  // Counters and gauges; readable at any time without disturbing the engine.
  const EngineMetrics& metrics() const noexcept;
  // How long the engine has had work without finishing a step; zero when idle. A watchdog's input.
  Duration stalled_for(Time now) const noexcept;

  const LlamaModel& model() const noexcept;
  // Longest prompt + output of one sequence, in tokens.
  std::uint32_t context_tokens() const noexcept;

 private:
  class Loop;
  explicit Engine(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace sovereign::engine
