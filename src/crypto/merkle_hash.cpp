#include "crypto/merkle_hash.h"

#include <cstring>

namespace sovereign::crypto {

Digest merkle_empty_root() noexcept { return Sha256Stream().finish(); }

Digest merkle_leaf_hash(std::string_view entry) noexcept {
  Sha256Stream hash;
  hash.update(std::string_view("\0", 1));
  hash.update(entry);
  return hash.finish();
}

Digest merkle_node_hash(const Digest& left, const Digest& right) noexcept {
  std::byte node[1 + 32 + 32];
  node[0] = std::byte{1};
  std::memcpy(node + 1, left.data(), 32);
  std::memcpy(node + 33, right.data(), 32);
  Sha256Stream hash;
  hash.update(node);
  return hash.finish();
}

}  // namespace sovereign::crypto
