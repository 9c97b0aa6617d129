#include "engine/stop_matcher.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <utility>

namespace sovereign::engine {

StopSet::StopSet(std::span<const std::string> stop_strings) {
  nodes_.emplace_back();
  for (const std::string& stop : stop_strings) {
    std::uint32_t node = 0;
    for (const char c : stop) {
      const auto byte = static_cast<unsigned char>(c);
      if (nodes_[node].next[byte] == 0) {
        nodes_[node].next[byte] = static_cast<std::uint32_t>(nodes_.size());
        const std::uint32_t depth = nodes_[node].depth + 1;
        nodes_.emplace_back().depth = depth;
      }
      node = nodes_[node].next[byte];
    }
    nodes_[node].match_bytes = nodes_[node].depth;
  }

  // Breadth first, so that a node's failure node, which is less deep, is complete before it.
  std::vector<std::uint32_t> failure(nodes_.size(), 0);
  std::deque<std::uint32_t> open;
  for (const std::uint32_t child : nodes_[0].next) {
    if (child != 0) open.push_back(child);
  }
  while (!open.empty()) {
    const std::uint32_t node = open.front();
    open.pop_front();
    const Node& fallback = nodes_[failure[node]];
    nodes_[node].match_bytes = std::max(nodes_[node].match_bytes, fallback.match_bytes);
    for (std::size_t byte = 0; byte < nodes_[node].next.size(); ++byte) {
      std::uint32_t& next = nodes_[node].next[byte];
      if (next == 0) {
        next = fallback.next[byte];
      } else {
        failure[next] = fallback.next[byte];
        open.push_back(next);
      }
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
    node_ = stops_->nodes_[node_].next[static_cast<unsigned char>(piece[i])];
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
