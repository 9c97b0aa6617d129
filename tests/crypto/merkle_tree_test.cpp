#include "crypto/merkle_tree.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "crypto/merkle_proof.h"

namespace sovereign::crypto {
namespace {

// RFC 9162, 2.1.1, by its words.
Digest naive_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return sha256("");
  if (leaves.size() == 1) return leaves[0];
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return merkle_node_hash(naive_root(leaves.first(split)), naive_root(leaves.subspan(split)));
}

// 2.1.3.1 and 2.1.4.1, by their words.
std::vector<Digest> naive_path(std::size_t index, std::span<const Digest> leaves) {
  if (leaves.size() <= 1) return {};
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  auto path = index < split ? naive_path(index, leaves.first(split))
                            : naive_path(index - split, leaves.subspan(split));
  path.push_back(naive_root(index < split ? leaves.subspan(split) : leaves.first(split)));
  return path;
}

std::vector<Digest> naive_subproof(std::size_t old_size, std::span<const Digest> leaves, bool known) {
  if (old_size == leaves.size())
    return known ? std::vector<Digest>{} : std::vector<Digest>{naive_root(leaves)};
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  auto proof = old_size <= split ? naive_subproof(old_size, leaves.first(split), known)
                                 : naive_subproof(old_size - split, leaves.subspan(split), false);
  proof.push_back(naive_root(old_size <= split ? leaves.subspan(split) : leaves.first(split)));
  return proof;
}

std::vector<Digest> leaves_of(std::size_t count) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(merkle_leaf_hash("entry " + std::to_string(i)));
  return leaves;
}

MerkleTree tree_of(std::span<const Digest> leaves) {
  MerkleTree tree;
  for (const Digest& leaf : leaves) tree.append(leaf);
  return tree;
}

TEST(MerkleHash, PrefixesSeparateLeavesFromNodes) {
  EXPECT_EQ(merkle_leaf_hash("abc"), sha256(std::string("\0abc", 4)));
  EXPECT_EQ(to_hex(merkle_empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const Digest a = merkle_leaf_hash("a"), b = merkle_leaf_hash("b");
  const std::string node = "\1" + std::string(reinterpret_cast<const char*>(a.data()), 32) +
                           std::string(reinterpret_cast<const char*>(b.data()), 32);
  EXPECT_EQ(merkle_node_hash(a, b), sha256(node));
}

// The leaves and roots of the Certificate Transparency reference tests.
TEST(MerkleTree, KnownRoots) {
  const std::string entries[] = {
      "",
      std::string("\x00", 1),
      "\x10",
      "\x20\x21",
      "\x30\x31",
      "\x40\x41\x42\x43",
      "\x50\x51\x52\x53\x54\x55\x56\x57",
      "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
  };
  MerkleTree tree;
  for (const std::string& entry : entries) tree.append_entry(entry);
  EXPECT_EQ(to_hex(tree.root_at(1)), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(to_hex(tree.root_at(2)), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
  EXPECT_EQ(to_hex(tree.root_at(3)), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
  EXPECT_EQ(to_hex(tree.root_at(8)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(MerkleTree, EverySmallTreeAgreesWithTheDefinition) {
  const auto leaves = leaves_of(40);
  const std::span<const Digest> all(leaves);
  const MerkleTree tree = tree_of(leaves);
  MerkleFrontier frontier;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    const Digest root = naive_root(all.first(size));
    ASSERT_EQ(tree.root_at(size), root);
    ASSERT_EQ(frontier.root(), root);
    ASSERT_EQ(frontier.size(), size);
    if (size < leaves.size()) frontier.append(leaves[size]);
    for (std::size_t index = 0; index < size; ++index) {
      const auto path = tree.inclusion_proof(index, size);
      ASSERT_EQ(path, naive_path(index, all.first(size)));
      ASSERT_TRUE(verify_inclusion(leaves[index], index, size, path, root));
    }
    for (std::size_t old_size = 0; old_size <= size; ++old_size) {
      const auto proof = tree.consistency_proof(old_size, size);
      if (old_size > 0) {
        ASSERT_EQ(proof, naive_subproof(old_size, all.first(size), true));
      }
      ASSERT_TRUE(verify_consistency(old_size, tree.root_at(old_size), size, root, proof));
    }
  }
}

TEST(MerkleTree, RandomLargeTreesProveEverything) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto leaves = leaves_of(5000);
  const MerkleTree tree = tree_of(leaves);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t size = 1 + random() % leaves.size();
    const std::uint64_t index = random() % size;
    const std::uint64_t old_size = random() % (size + 1);
    const Digest root = tree.root_at(size);
    EXPECT_TRUE(verify_inclusion(leaves[index], index, size, tree.inclusion_proof(index, size), root));
    EXPECT_TRUE(verify_consistency(old_size, tree.root_at(old_size), size, root,
                                   tree.consistency_proof(old_size, size)));
  }
}

// Nothing but the true statement verifies: another index, size, leaf, root, or a proof cut, extended or
// changed.
TEST(MerkleProof, FalseStatementsAreRefused) {
  const auto leaves = leaves_of(21);
  const MerkleTree tree = tree_of(leaves);
  for (std::uint64_t size = 1; size <= 21; ++size) {
    const Digest root = tree.root_at(size);
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto path = tree.inclusion_proof(index, size);
      for (std::uint64_t other = 0; other < 24; ++other) {
        if (other != index) {
          EXPECT_FALSE(verify_inclusion(leaves[index], other, size, path, root));
        }
      }
      if (size > 1) {
        EXPECT_FALSE(verify_inclusion(leaves[(index + 1) % size], index, size, path, root));
      }
      auto changed = path;
      changed.push_back(root);
      EXPECT_FALSE(verify_inclusion(leaves[index], index, size, changed, root));
      if (path.empty()) continue;
      EXPECT_FALSE(
          verify_inclusion(leaves[index], index, size, std::span(path).first(path.size() - 1), root));
      for (std::size_t at = 0; at < path.size(); ++at) {
        changed = path;
        changed[at][7] ^= std::byte{1};
        EXPECT_FALSE(verify_inclusion(leaves[index], index, size, changed, root));
      }
    }
    for (std::uint64_t old_size = 1; old_size < size; ++old_size) {
      const auto proof = tree.consistency_proof(old_size, size);
      Digest other_root = tree.root_at(old_size);
      other_root[0] ^= std::byte{1};
      EXPECT_FALSE(verify_consistency(old_size, other_root, size, root, proof));
      EXPECT_FALSE(verify_consistency(old_size, tree.root_at(old_size), size, other_root, proof));
      EXPECT_FALSE(verify_consistency(size, root, old_size, tree.root_at(old_size), proof));
      EXPECT_FALSE(verify_consistency(old_size, tree.root_at(old_size), size, root, {}));
      auto changed = proof;
      changed.push_back(root);
      EXPECT_FALSE(verify_consistency(old_size, tree.root_at(old_size), size, root, changed));
      for (std::size_t at = 0; at < proof.size(); ++at) {
        changed = proof;
        changed[at][31] ^= std::byte{0x80};
        EXPECT_FALSE(verify_consistency(old_size, tree.root_at(old_size), size, root, changed));
      }
    }
  }
  EXPECT_FALSE(verify_inclusion(leaves[0], 0, 0, {}, leaves[0]));
}

}  // namespace
}  // namespace sovereign::crypto
