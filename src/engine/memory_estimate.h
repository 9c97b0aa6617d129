// About how much memory an engine takes, before it is made: what model.memory_budget is compared with.
//
// Bytes; on the CPU (layers that a GPU takes are counted too). Pure. Fitted to what llama.cpp allocates, and
// tested against a process (tests/engine/memory_estimate_test.cpp); within about a fifth for models of the
// Llama family.
#pragma once

#include <cstdint>

#include "engine/engine_config.h"
#include "engine/llama_model.h"

namespace sovereign::engine {

// Weights, vocabulary, KV caches and buffers of a pool of `config.pool` engines over one copy of the weights;
// `draft`: of the model that guesses for it, null without one. `owns_weights`: false where another engine has
// the same copy of the model already.
std::uint64_t estimate_memory(const ModelInfo& model, const EngineConfig& config, const ModelInfo* draft,
                              bool owns_weights = true);

}  // namespace sovereign::engine
