#include "engine/memory_estimate.h"

#include <algorithm>

#include "engine/engine_pool.h"

namespace sovereign::engine {
namespace {

constexpr std::uint64_t kFloat = sizeof(float);
constexpr std::uint64_t kHalf = 2;
// Text, score and look-up of a token, and the merges that lead to it.
constexpr std::uint64_t kVocabularyBytesPerToken = 400;
// Threads, allocators, the template's program.
constexpr std::uint64_t kOtherBytes = 4'000'000;
// Floats that one row of a step has in the graph at its widest: four of the model's width and three of its
// feed-forward network's, which is at most four times as wide in common models.
constexpr std::uint64_t kWidthsPerRow = 16;

// Weights stay in the mapped file or lie in panels, not in both: what is in panels is given back.
std::uint64_t model_bytes(const ModelInfo& model, std::uint32_t vocabulary_size) {
  return model.bytes + vocabulary_size * kVocabularyBytesPerToken + kOtherBytes;
}

// A context of llama.cpp: KV cache, logits, and the graph with its mask.
std::uint64_t context_bytes(const ModelInfo& model, std::uint32_t vocabulary_size, std::uint64_t cells,
                            std::uint64_t rows, std::uint64_t outputs) {
  const std::uint64_t logits = outputs * vocabulary_size * kFloat;
  const std::uint64_t graph = std::max(rows * model.embedding_size * kWidthsPerRow * kFloat, logits);
  const std::uint64_t mask = rows * cells * kHalf;
  return cells * model.kv_bytes_per_token + logits + graph + mask;
}

}  // namespace

std::uint64_t estimate_memory(const ModelInfo& model, const EngineConfig& config, const ModelInfo* draft,
                              bool owns_weights) {
  const EngineConfig share = share_of(config);
  const std::uint32_t vocabulary = model.vocabulary_size;  // the draft model's, too
  const std::uint64_t sequences = share.max_sequences;
  const std::uint64_t drafted = config.speculation == Speculation::off ? 0 : share.step_draft_tokens;
  std::uint64_t bytes = owns_weights ? model_bytes(model, vocabulary) : 0;
  std::uint64_t engine = 0;
  if (model.can_generate) {
    engine += context_bytes(model, vocabulary, share.kv_cells, share.step_token_budget,
                            sequences + share.max_cached_prefixes + drafted);
  }
  if (can_embed(model, config)) {
    engine += context_bytes(model, vocabulary, share.context_tokens, share.context_tokens, 1);
  }
  if (draft != nullptr) {
    bytes += model_bytes(*draft, vocabulary);
    engine += context_bytes(*draft, vocabulary, share.kv_cells, share.step_token_budget, sequences);
  }
  return bytes + engine * std::max(1U, config.pool);
}

}  // namespace sovereign::engine
