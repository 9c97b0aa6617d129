// Follows one output through a grammar, byte by byte, and says what may come next.
//
// A grammar is followed by sets of stacks: a stack holds what is still to come, innermost first, and there is
// one for each way in which the output so far can be read. Stacks share their lower parts; equal stacks are
// one. States (sets of stacks) that were met before are remembered with their transitions, so that following
// is mostly a look-up, as in a lazily built automaton.
//
// Ambiguous grammars can have exponentially many readings. Both the number of stacks and the work are
// bounded; past a bound the matcher is exhausted and allows nothing any more.
//
// Pure. A copy goes on from the same point. Not thread-safe; the rules are shared and immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/gbnf.h"
#include "engine/token_pieces.h"

namespace sovereign::engine {

struct GrammarMatcherLimits {
  std::size_t stacks_max = 4096;     // of one state
  std::size_t states_max = 1 << 15;  // of one call; of those remembered from call to call, an eighth
  std::size_t nodes_max = 1 << 18;   // likewise
  // Steps of following the grammar, up to fifty nanoseconds each: saved up to the first, and the second is
  // added with each token accepted.
  std::int64_t work_max = 8'000'000;
  std::int64_t work_per_token = 500'000;
};

class GrammarMatcher {
 public:
  explicit GrammarMatcher(std::shared_ptr<const GbnfRules> rules, const GrammarMatcherLimits& limits = {});

  // Whether the token, whose bytes are `piece`, may come next. Tokens without bytes, or with a NUL, never
  // may.
  bool allows(Token token, std::string_view piece);
  // Whether the output may end here.
  bool may_end() const;
  // The token was taken. False, and nothing has changed, when it may not come next.
  bool accept(Token token, std::string_view piece);
  // Calls `allowed(token)` for all tokens that may come next.
  template <class Allowed>
  void for_each_allowed(const TokenPieces& pieces, Allowed allowed);

  // A bound was reached.
  bool exhausted() const { return exhausted_; }

 private:
  using NodeId = std::uint32_t;   // 0: the empty stack, nothing more to come
  using StateId = std::uint32_t;  // 0: no stack at all, a dead end
  struct Node {
    std::uint32_t position = 0;  // what comes next
    NodeId below = 0;            // what comes after that
  };
  struct State {
    std::vector<NodeId> stacks;                       // sorted; their tops are characters or tokens
    std::unique_ptr<std::array<StateId, 128>> ascii;  // by character; kUnknown: not yet computed

    State() = default;
    explicit State(std::vector<NodeId> from) : stacks(std::move(from)) {}
    State(const State& other) : stacks(other.stacks) {}
    State(State&&) noexcept = default;
    State& operator=(const State& other) {
      stacks = other.stacks;
      ascii.reset();
      return *this;
    }
    State& operator=(State&&) noexcept = default;
  };
  // A character that is not whole yet.
  struct Partial {
    std::uint32_t bits = 0;
    int missing = 0;           // bytes
    std::uint32_t lowest = 0;  // code point that this length may encode
  };
  struct Point {
    StateId state = 0;
    Partial partial;
  };
  static constexpr StateId kUnknown = UINT32_MAX;

  NodeId node(std::uint32_t position, NodeId below);
  NodeId after(NodeId id);
  StateId state_of(std::vector<NodeId> stacks);
  // Adds the stacks that the one on `todo_` leads to.
  void close_over(std::vector<NodeId>& stacks);
  StateId step(StateId from, std::uint32_t code_point);
  Point feed(Point from, unsigned char byte);
  Point feed_token(Point from, Token token, std::string_view piece);
  // Whether the rest of a character could still be right.
  bool may_complete(const Point& point);
  bool can_end(const Point& point) { return point.state != 0 && may_complete(point); }
  bool spend(std::int64_t work);
  void forget_if_large();

  std::shared_ptr<const GbnfRules> rules_;
  GrammarMatcherLimits limits_;
  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, NodeId> node_ids_;
  std::vector<State> states_;
  std::unordered_multimap<std::uint64_t, StateId> state_ids_;  // by hash of the stacks
  std::vector<NodeId> todo_;
  std::vector<std::uint32_t> seen_;  // by node: the round in which it was met
  std::uint32_t round_ = 0;
  Point now_;
  std::vector<Point> path_;  // for_each_allowed: the point after each byte
  bool has_token_symbols_ = false;
  std::int64_t work_left_ = 0;
  bool exhausted_ = false;
};

template <class Allowed>
void GrammarMatcher::for_each_allowed(const TokenPieces& pieces, Allowed allowed) {
  path_.assign(1, now_);
  std::size_t dead = SIZE_MAX;  // bytes after which the entry before could not go on
  for (const TokenPieces::Entry& entry : pieces.entries()) {
    if (exhausted_) return;
    const std::string_view piece = pieces.bytes(entry);
    if (has_token_symbols_) {
      if (allows(entry.token, piece)) allowed(entry.token);
      continue;
    }
    if (entry.shared >= dead) continue;
    dead = SIZE_MAX;
    path_.resize(std::size_t{entry.shared} + 1);
    for (std::size_t i = entry.shared; i < piece.size(); ++i) {
      path_.push_back(feed(path_.back(), static_cast<unsigned char>(piece[i])));
      if (path_.back().state == 0) {
        dead = i + 1;
        break;
      }
    }
    if (dead == SIZE_MAX && can_end(path_.back())) allowed(entry.token);
  }
}

}  // namespace sovereign::engine
