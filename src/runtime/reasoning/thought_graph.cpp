#include "runtime/reasoning/thought_graph.h"

#include <algorithm>
#include <cassert>

namespace sovereign::runtime {

ThoughtGraph::ThoughtGraph() {
  Thought question;
  question.status = ThoughtStatus::complete;
  thoughts_.push_back(std::move(question));
}

ThoughtId ThoughtGraph::add(ThoughtKind kind, std::vector<ThoughtId> parents) {
  assert(kind != ThoughtKind::question && !parents.empty());
  Thought thought;
  thought.id = static_cast<ThoughtId>(thoughts_.size());
  thought.kind = kind;
  for (const ThoughtId parent : parents) {
    assert(parent < thought.id);
    thought.depth = std::max(thought.depth, thoughts_[parent].depth + 1);
  }
  thought.parents = std::move(parents);
  thoughts_.push_back(std::move(thought));
  return thoughts_.back().id;
}

std::vector<ThoughtId> ThoughtGraph::path_to(ThoughtId id) const {
  assert(id < thoughts_.size());
  std::vector<ThoughtId> path{id};
  while (!thoughts_[path.back()].parents.empty()) path.push_back(thoughts_[path.back()].parents.front());
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace sovereign::runtime
