#include "engine/prefix_index.h"

#include <algorithm>
#include <cassert>

namespace sovereign::engine {

struct PrefixIndex::Node {
  std::vector<Token> edge;
  std::bitset<kMaxSlots> slots;
  std::vector<std::unique_ptr<Node>> children;  // sorted by the first token of their edge
};

namespace {

std::size_t common_length(std::span<const Token> a, std::span<const Token> b) {
  const std::size_t limit = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(limit), b.begin()).first - a.begin());
}

template <class Children>
auto lower_child(Children& children, Token first) {
  return std::lower_bound(children.begin(), children.end(), first,
                          [](const auto& child, Token token) { return child->edge.front() < token; });
}

}  // namespace

PrefixIndex::PrefixIndex() : root_(std::make_unique<Node>()), paths_(kMaxSlots) {}
PrefixIndex::~PrefixIndex() = default;

std::unique_ptr<PrefixIndex::Node>* PrefixIndex::find_child(Node& node, Token first) {
  const auto child = lower_child(node.children, first);
  return child != node.children.end() && (*child)->edge.front() == first ? &*child : nullptr;
}

// Cuts the node's edge: the node keeps the first `at` tokens, a new only child takes the rest.
void PrefixIndex::split(Node& node, std::size_t at) {
  assert(at > 0 && at < node.edge.size());
  auto rest = std::make_unique<Node>();
  rest->edge.assign(node.edge.begin() + static_cast<std::ptrdiff_t>(at), node.edge.end());
  rest->slots = node.slots;
  rest->children = std::move(node.children);
  node.edge.resize(at);
  node.children.clear();
  node.children.push_back(std::move(rest));
}

void PrefixIndex::insert(Slot slot, std::span<const Token> tokens) {
  assert(slot < kMaxSlots && paths_[slot].empty());
  if (tokens.empty()) return;
  paths_[slot].assign(tokens.begin(), tokens.end());

  Node* node = root_.get();
  while (!tokens.empty()) {
    std::unique_ptr<Node>* child = find_child(*node, tokens.front());
    if (child == nullptr) {
      auto leaf = std::make_unique<Node>();
      leaf->edge.assign(tokens.begin(), tokens.end());
      leaf->slots.set(slot);
      const auto place = lower_child(node->children, tokens.front());
      node->children.insert(place, std::move(leaf));
      return;
    }
    node = child->get();
    const std::size_t common = common_length(node->edge, tokens);
    if (common < node->edge.size()) split(*node, common);
    node->slots.set(slot);
    tokens = tokens.subspan(common);
  }
}

void PrefixIndex::remove(Slot slot) {
  std::span<const Token> tokens = paths_[slot];
  Node* node = root_.get();
  while (!tokens.empty()) {
    std::unique_ptr<Node>* child = find_child(*node, tokens.front());
    assert(child != nullptr && (*child)->slots.test(slot));
    (*child)->slots.reset(slot);
    if ((*child)->slots.none()) {
      // Whoever goes through a node goes through its parents: nothing below can be anyone else's.
      node->children.erase(node->children.begin() + (child - node->children.data()));
      break;
    }
    tokens = tokens.subspan((*child)->edge.size());
    node = child->get();
  }
  paths_[slot].clear();
}

std::vector<PrefixIndex::Match> PrefixIndex::match(std::span<const Token> prompt) const {
  // Slots seen at a depth but not at the next one part from the prompt in between.
  std::vector<Match> found;
  std::bitset<kMaxSlots> here;
  std::uint32_t depth = 0;
  const auto leave = [&](const std::bitset<kMaxSlots>& leaving, std::uint32_t length) {
    for (std::size_t slot = 0; slot < kMaxSlots; ++slot) {
      if (leaving.test(slot)) found.push_back({static_cast<Slot>(slot), length});
    }
  };

  Node* node = root_.get();
  while (!prompt.empty()) {
    std::unique_ptr<Node>* child = find_child(*node, prompt.front());
    if (child == nullptr) break;
    node = child->get();
    const std::size_t common = common_length(node->edge, prompt);
    leave(here & ~node->slots, depth);
    here = node->slots;
    depth += static_cast<std::uint32_t>(common);
    if (common < node->edge.size()) break;
    prompt = prompt.subspan(common);
  }
  leave(here, depth);
  std::reverse(found.begin(), found.end());
  return found;
}

std::size_t PrefixIndex::nodes() const {
  std::size_t count = 0;
  std::vector<const Node*> pending{root_.get()};
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    for (const auto& child : node->children) {
      ++count;
      pending.push_back(child.get());
    }
  }
  return count;
}

}  // namespace sovereign::engine
