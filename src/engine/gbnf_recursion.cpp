// Finds left recursion: nullable rules first, then cycles among what rules can begin with.

#include <algorithm>
#include <vector>

#include "engine/gbnf.h"

namespace sovereign::engine {
namespace {

using Kind = GbnfElement::Kind;

// Which rules can match nothing. Each alternative counts its symbols that may not be empty; a rule that is
// found to be nullable lowers the count where it is used.
std::vector<bool> nullable_rules(const GbnfRules& rules) {
  const std::size_t alternatives = rules.alternatives.size();
  std::vector<std::uint32_t> owner(alternatives);
  std::vector<std::size_t> solid(alternatives, 0);
  std::vector<std::vector<std::uint32_t>> uses(rules.rule_count());  // alternatives, once per use
  for (std::uint32_t rule = 0; rule < rules.rule_count(); ++rule) {
    for (std::uint32_t a = rules.first_alternative[rule]; a < rules.first_alternative[rule + 1]; ++a) {
      owner[a] = rule;
      for (std::uint32_t at = rules.alternatives[a]; !rules.ends_at(at); ++at) {
        ++solid[a];
        if (rules.elements[at].kind == Kind::rule) uses[rules.elements[at].value].push_back(a);
      }
    }
  }
  std::vector<bool> nullable(rules.rule_count(), false);
  std::vector<std::uint32_t> found;
  const auto note = [&](std::uint32_t alternative) {
    if (solid[alternative] > 0 || nullable[owner[alternative]]) return;
    nullable[owner[alternative]] = true;
    found.push_back(owner[alternative]);
  };
  for (std::uint32_t a = 0; a < alternatives; ++a) note(a);
  while (!found.empty()) {
    const std::uint32_t rule = found.back();
    found.pop_back();
    for (const std::uint32_t alternative : uses[rule]) {
      --solid[alternative];
      note(alternative);
    }
  }
  return nullable;
}

struct Edge {
  std::uint32_t to = 0;
  bool more = false;  // something follows in the alternative, so following the edge makes the stack grow
};

std::vector<std::vector<Edge>> left_edges(const GbnfRules& rules) {
  const std::vector<bool> nullable = nullable_rules(rules);
  std::vector<std::vector<Edge>> edges(rules.rule_count());
  for (std::uint32_t rule = 0; rule < rules.rule_count(); ++rule) {
    for (std::uint32_t a = rules.first_alternative[rule]; a < rules.first_alternative[rule + 1]; ++a) {
      for (std::uint32_t at = rules.alternatives[a]; rules.elements[at].kind == Kind::rule; ++at) {
        const std::uint32_t to = rules.elements[at].value;
        edges[rule].push_back({to, !rules.ends_at(at + 1)});
        if (!nullable[to]) break;
      }
    }
  }
  return edges;
}

// Tarjan's strongly connected components (SIAM J. Comput. 1(2), 1972), with a stack of its own instead of the
// thread's: grammars have chains of a hundred thousand rules.
class Components {
 public:
  explicit Components(const std::vector<std::vector<Edge>>& edges)
      : edges_(edges), index_(edges.size(), 0), low_(edges.size(), 0), component_(edges.size(), 0) {
    for (std::uint32_t rule = 0; rule < edges.size(); ++rule) {
      if (index_[rule] == 0) visit(rule);
    }
  }
  bool together(std::uint32_t a, std::uint32_t b) const { return component_[a] == component_[b]; }

 private:
  struct Frame {
    std::uint32_t rule;
    std::size_t edge = 0;
  };

  void enter(std::uint32_t rule) {
    index_[rule] = low_[rule] = ++visited_;
    open_.push_back(rule);
    frames_.push_back({rule});
  }

  void visit(std::uint32_t first) {
    enter(first);
    while (!frames_.empty()) {
      const std::uint32_t rule = frames_.back().rule;
      if (frames_.back().edge < edges_[rule].size()) {
        const std::uint32_t to = edges_[rule][frames_.back().edge++].to;
        if (index_[to] == 0) {
          enter(to);
        } else if (component_[to] == 0) {
          low_[rule] = std::min(low_[rule], index_[to]);
        }
        continue;
      }
      frames_.pop_back();
      if (!frames_.empty()) low_[frames_.back().rule] = std::min(low_[frames_.back().rule], low_[rule]);
      if (low_[rule] == index_[rule]) close(rule);
    }
  }

  void close(std::uint32_t rule) {
    ++components_;
    std::uint32_t member = 0;
    do {
      member = open_.back();
      open_.pop_back();
      component_[member] = components_;
    } while (member != rule);
  }

  const std::vector<std::vector<Edge>>& edges_;
  std::vector<std::uint32_t> index_;  // 0: not visited
  std::vector<std::uint32_t> low_;
  std::vector<std::uint32_t> component_;  // 0: still open
  std::vector<std::uint32_t> open_;
  std::vector<Frame> frames_;
  std::uint32_t visited_ = 0;
  std::uint32_t components_ = 0;
};

}  // namespace

std::optional<std::uint32_t> find_left_recursion(const GbnfRules& rules) {
  const std::vector<std::vector<Edge>> edges = left_edges(rules);
  const Components components(edges);
  for (std::uint32_t rule = 0; rule < edges.size(); ++rule) {
    for (const Edge& edge : edges[rule]) {
      if (edge.more && components.together(rule, edge.to)) return rule;
    }
  }
  return std::nullopt;
}

}  // namespace sovereign::engine
