// What answers requests of tokens: one engine, several over one copy of the weights, or one that comes into
// memory when it is asked for.
//
// All calls are thread-safe. Destruction cancels what is left; it must not happen on an engine's own thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/engine_metrics.h"
#include "engine/generation.h"

namespace sovereign::engine {

// What the next request finds.
struct EngineStatus {
  enum class State {
    ready,    // it works
    cold,     // it is not in memory: the request waits until it is
    loading,  // likewise, and it is on its way
    failed,   // it could not be brought into memory a moment ago, and the request is refused
  };
  State state = State::ready;
  std::string detail;  // of a failure, for people
};

class InferenceEngine {
 public:
  virtual ~InferenceEngine() = default;

  // Hands a request over. From here on exactly one on_done() follows on the sink, which is kept alive
  // until then. Errors (no call to the sink then): invalid_argument (empty or too long prompt, bad
  // grammar), unsupported (text from a model for embeddings, or the other way round), resource_exhausted
  // (queue full), unavailable (draining or failed).
  virtual result<RequestId> submit(GenerationRequest request, std::shared_ptr<GenerationSink> sink) = 0;

  // Asks for the end of a request; its slot is free at the next step. Unknown ids are ignored.
  virtual void cancel(RequestId id) noexcept = 0;

  // Refuses new requests from now on; those accepted go on.
  virtual void drain() noexcept = 0;
  // True when nothing is queued or running.
  virtual bool idle() const noexcept = 0;
  virtual EngineStatus status() const { return {}; }
  bool in_memory() const { return status().state == EngineStatus::State::ready; }

  // Adds counters and gauges to those in `total`, without disturbing the engine.
  virtual void add_metrics(EngineMetrics& total) const = 0;
  // How long the engine has had work without finishing a step; zero when idle. A watchdog's input.
  virtual Duration stalled_for(Time now) const noexcept = 0;

  // Choices that may wait at a time: more than these, at once, can never be accepted.
  virtual std::uint32_t max_queued() const noexcept = 0;

  // Longest prompt + output of one sequence, in tokens.
  virtual std::uint32_t context_tokens() const noexcept = 0;
};

}  // namespace sovereign::engine
