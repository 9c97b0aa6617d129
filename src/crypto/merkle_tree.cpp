#include "crypto/merkle_tree.h"

#include <algorithm>
#include <cassert>

namespace sovereign::crypto {

void MerkleTree::append(const Digest& leaf_hash) {
  Digest hash = leaf_hash;
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    std::vector<Digest>& nodes = levels_[level];
    nodes.push_back(hash);
    if (nodes.size() % 2 != 0) return;
    hash = merkle_node_hash(nodes[nodes.size() - 2], nodes.back());
  }
}

Digest MerkleTree::range_hash(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t size = end - begin;
  if (std::has_single_bit(size)) {
    const int level = std::countr_zero(size);
    assert(begin % size == 0);
    return levels_[static_cast<std::size_t>(level)][begin >> level];
  }
  const std::uint64_t middle = begin + merkle_split(size);
  return merkle_node_hash(range_hash(begin, middle), range_hash(middle, end));
}

Digest MerkleTree::root_at(std::uint64_t tree_size) const {
  assert(tree_size <= size());
  return tree_size == 0 ? merkle_empty_root() : range_hash(0, tree_size);
}

std::vector<Digest> MerkleTree::inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const {
  assert(index < tree_size && tree_size <= size());
  std::vector<Digest> path;
  path.reserve(static_cast<std::size_t>(std::bit_width(tree_size)));
  std::uint64_t begin = 0;
  std::uint64_t end = tree_size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + merkle_split(end - begin);
    if (index < middle) {
      path.push_back(range_hash(middle, end));
      end = middle;
    } else {
      path.push_back(range_hash(begin, middle));
      begin = middle;
    }
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<Digest> MerkleTree::consistency_proof(std::uint64_t old_size, std::uint64_t new_size) const {
  assert(old_size <= new_size && new_size <= size());
  std::vector<Digest> proof;
  if (old_size == 0 || old_size == new_size) return proof;
  std::uint64_t begin = 0;
  std::uint64_t end = new_size;
  while (end != old_size) {
    const std::uint64_t middle = begin + merkle_split(end - begin);
    if (old_size <= middle) {
      proof.push_back(range_hash(middle, end));
      end = middle;
    } else {
      proof.push_back(range_hash(begin, middle));
      begin = middle;
    }
  }
  // The old tree's last subtree; when that is the whole old tree, the verifier has it.
  if (begin != 0) proof.push_back(range_hash(begin, end));
  std::reverse(proof.begin(), proof.end());
  return proof;
}

void MerkleFrontier::append(const Digest& leaf_hash) {
  Digest hash = leaf_hash;
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    hash = merkle_node_hash(subtrees_.back(), hash);
    subtrees_.pop_back();
  }
  subtrees_.push_back(hash);
  ++size_;
}

Digest MerkleFrontier::root() const {
  if (size_ == 0) return merkle_empty_root();
  Digest hash = subtrees_.back();
  for (auto subtree = subtrees_.rbegin() + 1; subtree != subtrees_.rend(); ++subtree)
    hash = merkle_node_hash(*subtree, hash);
  return hash;
}

}  // namespace sovereign::crypto
