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
// `draft`: of the model that guesses for it, null without one.
std::uint64_t estimate_memory(const ModelInfo& model, const EngineConfig& config, const ModelInfo* draft);

}  // namespace sovereign::engine
