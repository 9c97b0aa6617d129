// An append-only Merkle tree (RFC 9162) that keeps the hash of every complete subtree, so that it can prove
// what is in it and that it only ever grew. 64 bytes of memory a leaf; append: two hashes on average; root
// and proofs, of any earlier size too: O(log n) hashes.
//
// MerkleFrontier keeps the O(log n) hashes that the root needs and no more: for those who only append.
//
// Not thread-safe: one writer, or many readers.
#pragma once

#include <cstdint>
#include <vector>

#include "crypto/merkle_hash.h"

namespace sovereign::crypto {

class MerkleTree {
 public:
  void append(const Digest& leaf_hash);
  void append_entry(std::string_view entry) { append(merkle_leaf_hash(entry)); }

  std::uint64_t size() const { return levels_.empty() ? 0 : levels_.front().size(); }
  const Digest& leaf(std::uint64_t index) const { return levels_.front()[index]; }

  Digest root() const { return root_at(size()); }
  // Of the first `tree_size` leaves; tree_size <= size().
  Digest root_at(std::uint64_t tree_size) const;
  // The siblings of a leaf, from the leaf upwards; index < tree_size <= size().
  std::vector<Digest> inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const;
  // old_size <= new_size <= size(); empty when they are equal or the old tree is empty.
  std::vector<Digest> consistency_proof(std::uint64_t old_size, std::uint64_t new_size) const;

 private:
  // Of the leaves [begin, end), which is a node of a tree that has at least end leaves.
  Digest range_hash(std::uint64_t begin, std::uint64_t end) const;

  std::vector<std::vector<Digest>> levels_;  // levels_[k][i]: leaves [i 2^k, (i + 1) 2^k)
};

class MerkleFrontier {
 public:
  void append(const Digest& leaf_hash);
  std::uint64_t size() const { return size_; }
  Digest root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> subtrees_;  // complete ones, largest first: one per bit of size_
};

}  // namespace sovereign::crypto
