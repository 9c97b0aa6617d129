// Several engines over one copy of a model's weights, each with a context and a thread of its own.
//
// A request goes to the engine that has the least to do; when all are full it waits in the pool, and whoever
// has room first takes it. No lock is held across a decode. One engine with one large batch reads the weights
// once a step for all sequences, a pool once a step and engine: docs/benchmarks.md says when a pool pays.
#pragma once

#include <memory>

#include "engine/engine_config.h"
#include "engine/inference_engine.h"

namespace sovereign::engine {

class LlamaModel;

// What each engine of a pool gets: `config` itself without one. Each has room for a whole sequence.
EngineConfig share_of(EngineConfig config);

// An engine, or a pool of them when EngineConfig::pool is more than 1: threads, KV cells, sequences and kept
// prefixes are then divided among the engines. The models are shared; `draft_model` and errors: as
// Engine::start().
result<std::unique_ptr<InferenceEngine>> start_engines(
    const std::shared_ptr<const LlamaModel>& model, const EngineConfig& config, const Clock& clock,
    const std::shared_ptr<const LlamaModel>& draft_model = nullptr);

class EnginePool final : public InferenceEngine {
 public:
  // At least one engine, all alike. `capacity`: choices that each takes at a time; `max_queued`: choices of
  // requests that wait, as in Engine; more are refused. Who waits past its deadline ends as by it.
  EnginePool(std::vector<std::unique_ptr<InferenceEngine>> engines, std::uint32_t capacity,
             std::uint32_t max_queued);
  ~EnginePool() override;

  result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) override;
  void cancel(RequestId id) noexcept override;
  void drain() noexcept override;
  bool idle() const noexcept override;
  void add_metrics(EngineMetrics& total) const override;
  Duration stalled_for(Time now) const noexcept override;
  std::uint32_t max_queued() const noexcept override;
  std::uint32_t context_tokens() const noexcept override;

 private:
  class State;
  class PoolSink;
  std::shared_ptr<State> state_;
};

}  // namespace sovereign::engine
