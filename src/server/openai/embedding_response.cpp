#include "server/openai/embedding_response.h"

#include <bit>

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

// The floats' little-endian bytes in base64 (RFC 4648, section 4).
void append_base64(std::string& out, const std::vector<float>& vector) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t size = vector.size() * sizeof(float);
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    if (i >= size) return 0;
    return (std::bit_cast<std::uint32_t>(vector[i / 4]) >> (8 * (i % 4))) & 0xFFU;
  };
  for (std::size_t i = 0; i < size; i += 3) {
    const std::uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kAlphabet[group >> 18];
    out += kAlphabet[(group >> 12) & 63];
    out += i + 1 < size ? kAlphabet[(group >> 6) & 63] : '=';
    out += i + 2 < size ? kAlphabet[group & 63] : '=';
  }
}

}  // namespace

std::string embeddings_json(std::string_view model, const std::vector<std::vector<float>>& vectors,
                            std::uint64_t prompt_tokens, bool base64) {
  std::string out = "{\"object\":\"list\",\"data\":[";
  for (std::uint32_t i = 0; i < vectors.size(); ++i) {
    out += i > 0 ? ",{\"object\":\"embedding\",\"index\":" : "{\"object\":\"embedding\",\"index\":";
    append_json_number(out, i);
    out += ",\"embedding\":";
    if (base64) {
      out += '"';
      append_base64(out, vectors[i]);
      out += "\"}";
      continue;
    }
    out += '[';
    for (std::size_t k = 0; k < vectors[i].size(); ++k) {
      if (k > 0) out += ',';
      append_json_number(out, vectors[i][k]);
    }
    out += "]}";
  }
  out += "],\"model\":";
  append_json_string(out, model);
  out += ",\"usage\":{\"prompt_tokens\":";
  append_json_number(out, prompt_tokens);
  out += ",\"total_tokens\":";
  append_json_number(out, prompt_tokens);
  out += "}}";
  return out;
}

}  // namespace sovereign::server::openai
