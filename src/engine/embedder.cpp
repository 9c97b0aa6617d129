#include "engine/embedder.h"

#include <llama.h>

#include <cmath>

#include <fmt/format.h>

#include "engine/decoder.h"
#include "engine/llama_model.h"

namespace sovereign::engine {

namespace {

enum llama_pooling_type pooling_of(EmbeddingPooling pooling) {
  switch (pooling) {
    case EmbeddingPooling::model: return LLAMA_POOLING_TYPE_UNSPECIFIED;
    case EmbeddingPooling::mean: return LLAMA_POOLING_TYPE_MEAN;
    case EmbeddingPooling::cls: return LLAMA_POOLING_TYPE_CLS;
    case EmbeddingPooling::last: return LLAMA_POOLING_TYPE_LAST;
  }
  return LLAMA_POOLING_TYPE_UNSPECIFIED;
}

}  // namespace

bool Embedder::available(const LlamaModel& model, const EngineConfig& config) {
  return can_embed(model.info(), config);
}

result<std::unique_ptr<Embedder>> Embedder::create(const LlamaModel& model, const EngineConfig& config) {
  const auto threads =
      static_cast<std::int32_t>(config.threads == 0 ? default_compute_threads() : config.threads);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = config.context_tokens;
  params.n_batch = config.context_tokens;  // pooling needs the whole input in one batch
  params.n_ubatch = config.context_tokens;
  params.n_seq_max = 1;
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.embeddings = true;
  params.pooling_type = pooling_of(config.embedding_pooling);
  params.no_perf = true;
  llama_context* context = llama_init_from_model(model.handle(), params);
  if (context == nullptr) {
    return fail(ErrorCode::resource_exhausted,
                fmt::format("no memory for an embedding context of {} tokens; lower engine.context_tokens",
                            config.context_tokens),
                "engine.context_tokens");
  }
  return std::unique_ptr<Embedder>(new Embedder(context, model.info().embedding_size));
}

Embedder::~Embedder() { llama_free(context_); }

result<std::vector<float>> Embedder::embed(std::span<const Token> tokens) {
  std::vector<Token> input(tokens.begin(), tokens.end());
  llama_memory_t memory = llama_get_memory(context_);
  if (memory != nullptr) llama_memory_clear(memory, false);
  const llama_batch batch = llama_batch_get_one(input.data(), static_cast<std::int32_t>(input.size()));
  const int status = memory != nullptr ? llama_decode(context_, batch) : llama_encode(context_, batch);
  const float* pooled = status == 0 ? llama_get_embeddings_seq(context_, 0) : nullptr;
  if (pooled == nullptr) {
    return fail(ErrorCode::internal,
                fmt::format("embedding of {} tokens failed with status {}", input.size(), status));
  }
  std::vector<float> embedding(pooled, pooled + size_);
  double squares = 0;
  for (const float value : embedding) squares += static_cast<double>(value) * value;
  const auto scale = static_cast<float>(squares > 0 ? 1.0 / std::sqrt(squares) : 0.0);
  for (float& value : embedding) value *= scale;
  return embedding;
}

}  // namespace sovereign::engine
