// Turns a text's tokens into one vector: a llama.cpp context of its own, with pooling.
//
// Owned and called by the engine thread, between two steps. One input at a time: embedding models are
// small, and their contexts keep no cache between inputs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/token.h"

struct llama_context;

namespace sovereign::engine {

class LlamaModel;

class Embedder {
 public:
  // True when the model has a pooling type, or the configuration gives it one.
  static bool available(const LlamaModel& model, const EngineConfig& config);

  // Errors: resource_exhausted.
  static result<std::unique_ptr<Embedder>> create(const LlamaModel& model, const EngineConfig& config);
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  // The pooled, L2-normalized embedding; ModelInfo::embedding_size numbers. The tokens are not empty and
  // fit the context. Errors: internal.
  result<std::vector<float>> embed(std::span<const Token> tokens);

 private:
  Embedder(llama_context* context, std::size_t size) : context_(context), size_(size) {}
  llama_context* context_;
  std::size_t size_;
};

}  // namespace sovereign::engine
