// What a GGUF file says about itself, read from its header alone.
//
// Format: ggml's docs/gguf.md. llama.cpp answers every problem with "failed to load model"; this tells a
// missing file from a truncated one before it is asked.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "engine/llama_model.h"

namespace sovereign::engine {

// Errors, with the path in `where`: not_found, permission_denied, invalid_argument (a directory),
// corrupt (not a GGUF, cut short, damaged header), unsupported (version, byte order, not a model, one part of
// a model that was split).
result<ModelInfo> read_gguf_info(const std::filesystem::path& path);

}  // namespace sovereign::engine
