// A llama.cpp context: the KV cache and the forward pass of one engine.
//
// Carries out the scheduler's plans and decides nothing. Owned and called by the engine thread alone, but
// for abort(), which any thread may call.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/plan.h"

struct llama_context;
struct ggml_threadpool;

namespace sovereign::engine {

class LlamaModel;

class Decoder {
 public:
  // Allocates the KV cache and the compute buffers, and starts the compute threads, which take over the
  // calling thread's name; or computes on the threads of `threads_of`, which outlives it and computes at
  // other times. Errors: resource_exhausted.
  static result<std::unique_ptr<Decoder>> create(const LlamaModel& model, const EngineConfig& config,
                                                 Decoder* threads_of = nullptr);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void apply(const KvOp& op);

  // One forward pass over the rows; at most EngineConfig::step_token_budget of them, at most
  // max_sequences + step_draft_tokens of which want logits. Errors: cancelled (abort() was called), internal;
  // the rows' slots are to be trimmed then.
  result<void> decode(std::span<const Row> rows);

  // The logits of the last decode's row `index`, which wanted them: one float per vocabulary entry, valid
  // and writable until the next decode.
  std::span<float> logits(std::size_t index);

  // Makes the decode under way, and all later ones, return soon.
  void abort() noexcept { aborted_.store(true, std::memory_order_relaxed); }

 private:
  Decoder() = default;

  llama_context* context_ = nullptr;
  ggml_threadpool* threads_ = nullptr;
  bool owns_threads_ = true;
  std::size_t vocabulary_size_ = 0;
  struct Batch;
  std::unique_ptr<Batch> batch_;
  std::atomic<bool> aborted_{false};
};

// Compute threads to use when the configuration says 0: the physical cores this process may run on.
std::uint32_t default_compute_threads();

}  // namespace sovereign::engine
