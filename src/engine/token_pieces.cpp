#include "engine/token_pieces.h"

#include <algorithm>

namespace sovereign::engine {

TokenPieces::TokenPieces(std::vector<std::pair<std::string, Token>> pieces) {
  std::erase_if(pieces, [](const auto& piece) { return piece.first.empty(); });
  std::sort(pieces.begin(), pieces.end());
  entries_.reserve(pieces.size());
  std::string_view before;
  for (const auto& [text, token] : pieces) {
    const auto different = std::mismatch(before.begin(), before.end(), text.begin(), text.end()).first;
    entries_.push_back({token, static_cast<std::uint32_t>(bytes_.size()),
                        static_cast<std::uint32_t>(text.size()),
                        static_cast<std::uint32_t>(different - before.begin())});
    bytes_ += text;
    before = text;
  }
}

}  // namespace sovereign::engine
