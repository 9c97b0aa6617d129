// Hashes of a Merkle tree as RFC 9162, section 2.1.1, defines them, with SHA-256:
//   empty tree  SHA-256()
//   leaf        SHA-256(0x00 || entry)
//   node        SHA-256(0x01 || left || right)
// A tree of n > 1 leaves splits at the largest power of two below n.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "crypto/sha2.h"

namespace sovereign::crypto {

Digest merkle_empty_root() noexcept;
Digest merkle_leaf_hash(std::string_view entry) noexcept;
Digest merkle_node_hash(const Digest& left, const Digest& right) noexcept;

// The largest power of two below size, which is at least 2.
constexpr std::uint64_t merkle_split(std::uint64_t size) { return std::bit_floor(size - 1); }

}  // namespace sovereign::crypto
