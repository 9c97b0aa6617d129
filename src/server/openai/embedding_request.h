// The body of POST /v1/embeddings, read and checked.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/openai/completion_request.h"

namespace sovereign::server::openai {

struct EmbeddingRequest {
  std::string model;  // empty: the one that is served
  std::vector<TextOrTokens> inputs;
  std::optional<std::chrono::milliseconds> timeout;
  bool base64 = false;  // little-endian 32-bit floats, as the official clients ask
};

// Pure. Errors: invalid_argument with the parameter's name.
result<EmbeddingRequest> parse_embedding_request(std::string_view body, const RequestLimits& limits);

}  // namespace sovereign::server::openai
