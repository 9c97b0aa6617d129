#include "engine/stop_matcher.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <utility>

namespace sovereign::engine {

StopSet::StopSet(std::span<const std::string> stop_strings) {
  nodes_.emplace_back();
  for (const std::string& stop : stop_strings) insert(stop);
  link_failures();
}

std::uint32_t StopSet::child(std::uint32_t node, unsigned char byte) const {
  std::uint32_t next = nodes_[node].first_child;
  while (next != 0 && nodes_[next].byte != byte) next = nodes_[next].next_sibling;
  return next;
}

// Each failure leads to a node less deep, so that there are no more of them than bytes were read.
std::uint32_t StopSet::step(std::uint32_t node, unsigned char byte) const {
  for (;; node = nodes_[node].failure) {
    if (const std::uint32_t next = child(node, byte); next != 0 || node == 0) return next;
  }
}

void StopSet::insert(std::string_view stop) {
  std::uint32_t node = 0;
  for (const char c : stop) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t next = child(node, byte);
    if (next == 0) {
      next = static_cast<std::uint32_t>(nodes_.size());
      Node added;
      added.byte = byte;
      added.depth = nodes_[node].depth + 1;
      added.next_sibling = std::exchange(nodes_[node].first_child, next);
      nodes_.push_back(added);
    }
    node = next;
  }
  nodes_[node].match_bytes = nodes_[node].depth;
}

// Breadth first, so that a node's failure, which is less deep, is complete before it.
void StopSet::link_failures() {
  std::deque<std::uint32_t> open{0};
  while (!open.empty()) {
    const std::uint32_t parent = open.front();
    open.pop_front();
    for (std::uint32_t node = nodes_[parent].first_child; node != 0; node = nodes_[node].next_sibling) {
      if (parent != 0) nodes_[node].failure = step(nodes_[parent].failure, nodes_[node].byte);
      nodes_[node].match_bytes = std::max(nodes_[node].match_bytes, nodes_[nodes_[node].failure].match_bytes);
      open.push_back(node);
    }
  }
}

StopMatcher::StopMatcher(std::shared_ptr<const StopSet> stops) : stops_(std::move(stops)) {
  assert(stops_ != nullptr);
}

std::string StopMatcher::feed(std::string_view piece) {
  if (stopped_) return {};
  if (stops_->empty()) return std::string(piece);

  for (std::size_t i = 0; i < piece.size(); ++i) {
    node_ = stops_->step(node_, static_cast<unsigned char>(piece[i]));
    const std::uint32_t match_bytes = stops_->nodes_[node_].match_bytes;
    if (match_bytes == 0) continue;
    stopped_ = true;
    std::string text = std::exchange(held_, {});
    text += piece.substr(0, i + 1);
    // The match may begin in a former piece: those bytes were held, so they are all here.
    assert(match_bytes <= text.size());
    text.resize(text.size() - match_bytes);
    return text;
  }

  std::string text = std::exchange(held_, {});
  text += piece;
  const std::size_t hold = stops_->nodes_[node_].depth;
  assert(hold <= text.size());
  held_ = text.substr(text.size() - hold);
  text.resize(text.size() - hold);
  return text;
}

std::string StopMatcher::flush() {
  node_ = 0;
  return std::exchange(held_, {});
}

}  // namespace sovereign::engine
