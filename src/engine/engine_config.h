// What an operator can set on an engine; every field has a key of the same name under [engine].
#pragma once

#include <cstdint>
#include <string>

namespace sovereign::engine {

// How token vectors become one embedding.
enum class EmbeddingPooling {
  model,  // as the model's metadata says; without such metadata there are no embeddings
  mean,
  cls,
  last,
};

// Who multiplies quantized weights on the CPU (kernels/kernel_set.h, docs/kernels.md).
enum class Kernels {
  automatic,  // ours where this CPU has fast ones for the weight's type, else llama.cpp's
  stock,      // llama.cpp's
};

// Who guesses tokens ahead, to be checked by the model several at a time (docs/speculation.md).
enum class Speculation {
  off,
  prompt_lookup,  // the text so far
  draft,          // a smaller model
};

struct EngineConfig {
  std::uint32_t context_tokens = 4096;      // longest sequence (prompt + output); <= the model's
  std::uint32_t kv_cells = 16384;           // KV cache size in tokens, shared by all sequences
  std::uint32_t max_sequences = 32;         // sequences that decode together
  std::uint32_t max_cached_prefixes = 32;   // finished sequences kept as prefix donors
  std::uint32_t step_token_budget = 512;    // most tokens in one decode
  std::uint32_t prefill_chunk_tokens = 0;   // prefill per step while other sequences decode; 0: see below
  std::uint32_t max_queued = 512;           // requests waiting; one more is refused
  std::uint32_t threads = 0;                // compute threads; 0: the physical cores
  std::uint32_t pool = 1;                   // engines over one copy of the weights; they divide the rest
  bool prefix_sharing = true;
  bool flash_attention = true;
  Kernels kernels = Kernels::automatic;
  Speculation speculation = Speculation::off;
  std::string draft_model;               // GGUF of the smaller model; a path, or a name to whoever loads it
  std::uint32_t max_draft_tokens = 8;    // guessed for one sequence in one step
  std::uint32_t step_draft_tokens = 32;  // guessed for all of them in one step
  // The same request gives the same tokens whatever else is in the batch; refused where that cannot be kept.
  bool deterministic = false;
  std::int32_t gpu_layers = 0;  // layers offloaded; -1: all (needs a GPU build)
  EmbeddingPooling embedding_pooling = EmbeddingPooling::model;

  // On a CPU a prompt's token costs nearly as much as a written one; a GPU takes a step's budget in about the
  // time of one token.
  std::uint32_t prefill_chunk() const {
    if (prefill_chunk_tokens != 0) return prefill_chunk_tokens;
    return gpu_layers == 0 ? 48 : step_token_budget;
  }
};

}  // namespace sovereign::engine
