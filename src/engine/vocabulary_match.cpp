#include "engine/vocabulary_match.h"

#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <string_view>

#include "engine/llama_model.h"

namespace sovereign::engine {

namespace {

constexpr std::uint32_t kMostPadding = 128;

}  // namespace

std::optional<std::string> vocabulary_difference(const LlamaModel& target, const LlamaModel& draft) {
  if (llama_vocab_type(target.vocab()) != llama_vocab_type(draft.vocab())) {
    return "their tokenizers are of different kinds";
  }
  const std::uint32_t ours = target.info().vocabulary_size;
  const std::uint32_t theirs = draft.info().vocabulary_size;
  const std::uint32_t common = std::min(ours, theirs);
  if (std::max(ours, theirs) - common > kMostPadding) {
    return fmt::format("their vocabularies have {} and {} tokens", ours, theirs);
  }
  for (std::uint32_t i = 0; i < common; ++i) {
    const auto token = static_cast<Token>(i);
    const std::string_view a = llama_vocab_get_text(target.vocab(), token);
    const std::string_view b = llama_vocab_get_text(draft.vocab(), token);
    if (a != b) return fmt::format("token {} is '{}' in one and '{}' in the other", i, a, b);
  }
  return std::nullopt;
}

}  // namespace sovereign::engine
