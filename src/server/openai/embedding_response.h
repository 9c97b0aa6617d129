// The JSON of an embeddings list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sovereign::server::openai {

std::string embeddings_json(std::string_view model, const std::vector<std::vector<float>>& vectors,
                            std::uint64_t prompt_tokens, bool base64);

}  // namespace sovereign::server::openai
