// Which slot begins with the longest prefix of a prompt: a radix tree over tokens.
//
// Each slot is a path from the root; a node's edge is a run of tokens, and the node knows the slots whose
// path goes through its whole edge (as in SGLang's RadixAttention, arXiv 2312.07104, but a node names
// slots instead of owning cells, since llama.cpp addresses the cache by sequence). A slot's path ends at a
// node's end: edges are split where paths part or end.
//
// Pure; not thread-safe.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_ledger.h"
#include "engine/token.h"

namespace sovereign::engine {

class PrefixIndex {
 public:
  // llama.cpp's limit on sequence ids.
  static constexpr std::uint32_t kMaxSlots = 256;

  PrefixIndex();
  ~PrefixIndex();
  PrefixIndex(const PrefixIndex&) = delete;
  PrefixIndex& operator=(const PrefixIndex&) = delete;

  // The slot's tokens are these from now on. The slot must not be in the index.
  void insert(Slot slot, std::span<const Token> tokens);
  // Forgets the slot; nothing happens when it is not there.
  void remove(Slot slot);

  struct Match {
    Slot slot;
    std::uint32_t length;  // tokens in common, from the first one
  };
  // Every slot that shares at least one token with the prompt, once each, longest first.
  std::vector<Match> match(std::span<const Token> prompt) const;

  // Nodes in the tree without the root: zero when no slot is left.
  std::size_t nodes() const;

 private:
  struct Node;
  static std::unique_ptr<Node>* find_child(Node& node, Token first);
  static void split(Node& node, std::size_t at);

  std::unique_ptr<Node> root_;
  std::vector<std::vector<Token>> paths_;  // by slot; empty: not in the index
};

}  // namespace sovereign::engine
