#include "engine/grammar_matcher.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sovereign::engine {
namespace {

using Kind = GbnfElement::Kind;

std::uint64_t hash_of(const std::vector<std::uint32_t>& numbers) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const std::uint32_t number : numbers) hash = (hash ^ number) * 1099511628211ULL;
  return hash;
}

bool is_token(Kind kind) { return kind == Kind::token || kind == Kind::token_not; }

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const GbnfRules> rules, const GrammarMatcherLimits& limits)
    : rules_(std::move(rules)), limits_(limits), work_left_(limits.work_max) {
  nodes_.emplace_back();
  seen_.push_back(0);
  states_.emplace_back();
  has_token_symbols_ = std::any_of(rules_->elements.begin(), rules_->elements.end(),
                                   [](const GbnfElement& element) { return is_token(element.kind); });
  ++round_;
  std::vector<NodeId> stacks;
  for (std::uint32_t a = rules_->first_alternative[rules_->root];
       a < rules_->first_alternative[rules_->root + 1]; ++a) {
    const std::uint32_t start = rules_->alternatives[a];
    todo_.push_back(rules_->ends_at(start) ? 0 : node(start, 0));
    close_over(stacks);
  }
  now_.state = state_of(std::move(stacks));
}

bool GrammarMatcher::spend(std::int64_t work) {
  work_left_ -= work;
  if (work_left_ < 0) exhausted_ = true;
  return !exhausted_;
}

GrammarMatcher::NodeId GrammarMatcher::node(std::uint32_t position, NodeId below) {
  const std::uint64_t key = std::uint64_t{position} << 32 | below;
  const auto [found, added] = node_ids_.try_emplace(key, static_cast<NodeId>(nodes_.size()));
  if (added) {
    nodes_.push_back({position, below});
    seen_.push_back(0);
    if (nodes_.size() > limits_.nodes_max) exhausted_ = true;
  }
  return found->second;
}

// The stack when its top has been matched. A symbol at the end of its alternative leaves nothing behind, so
// that repetitions do not make the stack grow.
GrammarMatcher::NodeId GrammarMatcher::after(NodeId id) {
  const Node top = nodes_[id];
  return rules_->ends_at(top.position + 1) ? top.below : node(top.position + 1, top.below);
}

void GrammarMatcher::close_over(std::vector<NodeId>& stacks) {
  while (!todo_.empty() && spend(1)) {
    const NodeId id = todo_.back();
    todo_.pop_back();
    if (std::exchange(seen_[id], round_) == round_) continue;
    if (id == 0 || rules_->elements[nodes_[id].position].kind != Kind::rule) {
      stacks.push_back(id);
      if (stacks.size() > limits_.stacks_max) exhausted_ = true;
      continue;
    }
    const std::uint32_t rule = rules_->elements[nodes_[id].position].value;
    const NodeId below = after(id);
    for (std::uint32_t a = rules_->first_alternative[rule]; a < rules_->first_alternative[rule + 1]; ++a) {
      const std::uint32_t start = rules_->alternatives[a];
      todo_.push_back(rules_->ends_at(start) ? below : node(start, below));
    }
    spend(rules_->first_alternative[rule + 1] - rules_->first_alternative[rule]);
  }
  todo_.clear();
}

GrammarMatcher::StateId GrammarMatcher::state_of(std::vector<NodeId> stacks) {
  if (stacks.empty() || exhausted_) return 0;
  std::sort(stacks.begin(), stacks.end());
  const std::uint64_t hash = hash_of(stacks);
  const auto [first, last] = state_ids_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (states_[it->second].stacks == stacks) return it->second;
  }
  if (states_.size() >= limits_.states_max) {
    exhausted_ = true;
    return 0;
  }
  const auto id = static_cast<StateId>(states_.size());
  states_.emplace_back(std::move(stacks));
  state_ids_.emplace(hash, id);
  return id;
}

GrammarMatcher::StateId GrammarMatcher::step(StateId from, std::uint32_t code_point) {
  if (from == 0 || exhausted_) return 0;
  if (code_point < 128) {
    auto& known = states_[from].ascii;
    if (known == nullptr) {
      known = std::make_unique<std::array<StateId, 128>>();
      known->fill(kUnknown);
    }
    if ((*known)[code_point] != kUnknown) return (*known)[code_point];
  }
  ++round_;
  std::vector<NodeId> stacks;
  spend(static_cast<std::int64_t>(states_[from].stacks.size()));
  for (const NodeId id : states_[from].stacks) {
    if (id == 0 || !rules_->matches(nodes_[id].position, code_point)) continue;
    todo_.push_back(after(id));
    close_over(stacks);
  }
  const StateId to = state_of(std::move(stacks));
  if (code_point < 128) (*states_[from].ascii)[code_point] = to;
  return to;
}

GrammarMatcher::Point GrammarMatcher::feed(Point from, unsigned char byte) {
  Partial& partial = from.partial;
  if (partial.missing > 0) {
    if ((byte & 0xC0U) != 0x80) return {};
    partial.bits = partial.bits << 6 | (byte & 0x3FU);
    if (--partial.missing > 0) return from;
    return partial.bits < partial.lowest ? Point{} : Point{step(from.state, partial.bits), {}};
  }
  if (byte == 0) return {};
  if (byte < 0x80) return {step(from.state, byte), {}};
  if (byte < 0xC2 || byte > 0xF4) return {};
  const int missing = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
  constexpr std::array<std::uint32_t, 4> kLowest = {0, 0x80, 0x800, 0x10000};
  from.partial = {byte & (0x3FU >> missing), missing, kLowest[static_cast<std::size_t>(missing)]};
  return from;
}

bool GrammarMatcher::may_complete(const Point& point) {
  const Partial& partial = point.partial;
  if (partial.missing == 0) return true;
  const std::uint32_t low = partial.bits << (6 * partial.missing);
  const std::uint32_t high = low | ((1U << (6 * partial.missing)) - 1);
  if (high < partial.lowest) return false;
  const std::vector<NodeId>& stacks = states_[point.state].stacks;
  if (!spend(static_cast<std::int64_t>(stacks.size()))) return false;
  return std::any_of(stacks.begin(), stacks.end(), [&](NodeId id) {
    return id != 0 && rules_->matches_some(nodes_[id].position, std::max(low, partial.lowest), high);
  });
}

GrammarMatcher::Point GrammarMatcher::feed_token(Point from, Token token, std::string_view piece) {
  if (piece.empty() || from.state == 0) return {};
  std::vector<NodeId> stacks;
  if (has_token_symbols_ && from.partial.missing == 0) {
    ++round_;
    spend(static_cast<std::int64_t>(states_[from.state].stacks.size()));
    for (const NodeId id : states_[from.state].stacks) {
      const GbnfElement& top = rules_->elements[nodes_[id].position];
      if (id == 0 || !is_token(top.kind)) continue;
      if ((top.value == static_cast<std::uint32_t>(token)) != (top.kind == Kind::token)) continue;
      todo_.push_back(after(id));
      close_over(stacks);
    }
  }
  Point point = from;
  for (const char byte : piece) {
    point = feed(point, static_cast<unsigned char>(byte));
    if (point.state == 0) break;
  }
  if (!can_end(point)) point = {};
  if (stacks.empty()) return point;
  // Both as a token and by its characters; a character that is not whole could not go on with the former.
  if (point.partial.missing == 0) {
    for (const NodeId id : states_[point.state].stacks) {
      if (std::find(stacks.begin(), stacks.end(), id) == stacks.end()) stacks.push_back(id);
    }
    spend(static_cast<std::int64_t>(stacks.size()));
  }
  return {state_of(std::move(stacks)), {}};
}

bool GrammarMatcher::allows(Token token, std::string_view piece) {
  return !exhausted_ && feed_token(now_, token, piece).state != 0 && !exhausted_;
}

bool GrammarMatcher::may_end() const {
  if (exhausted_ || now_.partial.missing > 0) return false;
  const std::vector<NodeId>& stacks = states_[now_.state].stacks;
  return !stacks.empty() && stacks.front() == 0;
}

bool GrammarMatcher::accept(Token token, std::string_view piece) {
  if (exhausted_) return false;
  const Point next = feed_token(now_, token, piece);
  if (next.state == 0 || exhausted_) return false;
  now_ = next;
  work_left_ = std::min(limits_.work_max, work_left_ + limits_.work_per_token);
  forget_if_large();
  return true;
}

// Keeps the state that we are in, with the nodes below it, and forgets what can be computed again.
void GrammarMatcher::forget_if_large() {
  if (states_.size() <= limits_.states_max / 8 && nodes_.size() <= limits_.nodes_max / 8) return;
  std::vector<bool> needed(nodes_.size(), false);
  for (NodeId id : states_[now_.state].stacks) {
    for (; id != 0 && !needed[id]; id = nodes_[id].below) needed[id] = true;
  }
  // What is below a node was made before it, so one pass upwards finds it renumbered.
  std::vector<Node> kept(1);
  std::vector<NodeId> renumbered(nodes_.size(), 0);
  node_ids_.clear();
  for (NodeId id = 1; id < nodes_.size(); ++id) {
    if (!needed[id]) continue;
    renumbered[id] = static_cast<NodeId>(kept.size());
    const Node moved{nodes_[id].position, renumbered[nodes_[id].below]};
    node_ids_.emplace(std::uint64_t{moved.position} << 32 | moved.below, renumbered[id]);
    kept.push_back(moved);
  }
  std::vector<NodeId> stacks = std::move(states_[now_.state].stacks);
  for (NodeId& id : stacks) id = renumbered[id];
  nodes_ = std::move(kept);
  seen_.assign(nodes_.size(), 0);
  round_ = 0;
  states_.clear();
  states_.emplace_back();
  state_ids_.clear();
  now_.state = state_of(std::move(stacks));
}

}  // namespace sovereign::engine
