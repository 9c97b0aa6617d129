// What an operator can set on an engine; every field has a key of the same name under [engine].
#pragma once

#include <cstdint>

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

struct EngineConfig {
  std::uint32_t context_tokens = 4096;      // longest sequence (prompt + output); <= the model's
  std::uint32_t kv_cells = 16384;           // KV cache size in tokens, shared by all sequences
  std::uint32_t max_sequences = 32;         // sequences that decode together
  std::uint32_t max_cached_prefixes = 32;   // finished sequences kept as prefix donors
  std::uint32_t step_token_budget = 512;    // most tokens in one decode
  std::uint32_t prefill_chunk_tokens = 48;  // prefill per step while other sequences decode
  std::uint32_t max_queued = 512;           // requests waiting; one more is refused
  std::uint32_t threads = 0;                // compute threads; 0: the physical cores
  std::uint32_t pool = 1;                   // engines over one copy of the weights; they divide the rest
  bool prefix_sharing = true;
  bool flash_attention = true;
  Kernels kernels = Kernels::automatic;
  std::int32_t gpu_layers = 0;  // layers offloaded; -1: all (needs a GPU build)
  EmbeddingPooling embedding_pooling = EmbeddingPooling::model;
};

}  // namespace sovereign::engine
