// Finds stop strings in a stream of bytes, wherever the pieces of the stream begin and end.
//
// Aho-Corasick (Aho & Corasick, CACM 1975): one pass over the bytes, whatever the number of stop
// strings. What is given out is never taken back, so text that may still become a stop string is held:
// always the longest such suffix, and nothing more.
//
// The match that ends first wins; of those that end together, the longest (it cuts the most). That
// rule depends on the bytes alone, not on how they were cut into pieces.
//
// Memory: 24 bytes for each byte of the stop strings, in each request that waits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sovereign::engine {

// The automaton of a set of stop strings. Immutable: one serves all choices of a request.
class StopSet {
 public:
  // Empty strings are ignored.
  explicit StopSet(std::span<const std::string> stop_strings);

  bool empty() const { return nodes_.size() == 1; }

 private:
  friend class StopMatcher;

  struct Node {
    std::uint32_t first_child = 0;
    std::uint32_t next_sibling = 0;
    std::uint32_t failure = 0;      // the longest proper suffix that begins a stop string
    std::uint32_t depth = 0;        // bytes of this one
    std::uint32_t match_bytes = 0;  // longest stop string that ends here; 0: none
    unsigned char byte = 0;         // that leads here
  };

  std::uint32_t child(std::uint32_t node, unsigned char byte) const;  // 0: none
  std::uint32_t step(std::uint32_t node, unsigned char byte) const;
  void insert(std::string_view stop);
  void link_failures();

  std::vector<Node> nodes_;
};

// One stream's state. Not thread-safe.
class StopMatcher {
 public:
  explicit StopMatcher(std::shared_ptr<const StopSet> stops);

  // Takes the next bytes, returns those that are safe to give out. After a match everything is ignored.
  std::string feed(std::string_view piece);
  // The stream ends: what was held is text after all.
  std::string flush();

  bool stopped() const { return stopped_; }

 private:
  std::shared_ptr<const StopSet> stops_;
  std::uint32_t node_ = 0;
  std::string held_;  // the last nodes_[node_].depth bytes
  bool stopped_ = false;
};

}  // namespace sovereign::engine
