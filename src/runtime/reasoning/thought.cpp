#include "runtime/reasoning/thought.h"

namespace sovereign::runtime {

std::string_view to_string(ThoughtKind kind) {
  switch (kind) {
    case ThoughtKind::question: return "question";
    case ThoughtKind::explore: return "explore";
    case ThoughtKind::refine: return "refine";
    case ThoughtKind::merge: return "merge";
  }
  return {};
}

std::string_view to_string(ThoughtStatus status) {
  switch (status) {
    case ThoughtStatus::pending: return "pending";
    case ThoughtStatus::complete: return "complete";
    case ThoughtStatus::cut: return "cut";
    case ThoughtStatus::failed: return "failed";
  }
  return {};
}

}  // namespace sovereign::runtime
