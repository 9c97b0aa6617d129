// Checks of Merkle proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2): all that an outside verifier needs.
// Pure; proofs come from anywhere, so every size and length is checked.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/merkle_hash.h"

namespace sovereign::crypto {

// Whether the leaf is at `index` in the tree of `size` leaves with this root. Siblings: from the leaf
// upwards.
bool verify_inclusion(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
                      std::span<const Digest> path, const Digest& root) noexcept;

// Whether the tree of `old_size` leaves is a prefix of the tree of `new_size`. Nothing can be said of an
// empty old tree: it is a prefix of every tree, with an empty proof and the empty tree's root.
bool verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t new_size,
                        const Digest& new_root, std::span<const Digest> proof) noexcept;

}  // namespace sovereign::crypto
