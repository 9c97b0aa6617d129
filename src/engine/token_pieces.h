// The bytes of all tokens of a vocabulary, in the order of bytes, so that tokens that begin alike are looked
// at together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/token.h"

namespace sovereign::engine {

// Immutable; all calls are thread-safe.
class TokenPieces {
 public:
  // `pieces`: bytes of each token. Empty ones are left out.
  explicit TokenPieces(std::vector<std::pair<std::string, Token>> pieces);

  struct Entry {
    Token token = kNoToken;
    std::uint32_t begin = 0;   // of its bytes
    std::uint32_t length = 0;  // at least 1
    std::uint32_t shared = 0;  // bytes that it has in common with the entry before
  };
  const std::vector<Entry>& entries() const { return entries_; }
  std::string_view bytes(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.begin, entry.length);
  }

 private:
  std::string bytes_;
  std::vector<Entry> entries_;
};

}  // namespace sovereign::engine
