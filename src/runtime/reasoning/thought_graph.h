// The graph of thoughts: nodes in order of creation, edges as parents. Parents come before their
// children, so there is no cycle and one pass in order visits parents first.
#pragma once

#include <vector>

#include "runtime/reasoning/thought.h"

namespace sovereign::runtime {

class ThoughtGraph {
 public:
  // With the question as its only thought.
  ThoughtGraph();

  // Its id is given here. `parents` must exist.
  ThoughtId add(ThoughtKind kind, std::vector<ThoughtId> parents);

  const std::vector<Thought>& thoughts() const { return thoughts_; }
  std::vector<Thought>& thoughts() { return thoughts_; }
  const Thought& at(ThoughtId id) const { return thoughts_[id]; }
  Thought& at(ThoughtId id) { return thoughts_[id]; }
  std::size_t size() const { return thoughts_.size(); }

  // From the question to `id`, over first parents.
  std::vector<ThoughtId> path_to(ThoughtId id) const;

 private:
  std::vector<Thought> thoughts_;
};

}  // namespace sovereign::runtime
