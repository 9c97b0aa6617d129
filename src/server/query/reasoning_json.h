// A graph of thoughts as JSON. Pure; appends text.
//
//   {"levels","stop","tokens","conclusion","best_path":[ids],"edges":[[parent,child]…],
//    "thoughts":[{"id","kind","depth","parents","status","text","conclusion","tokens","cluster",
//                 "scores":{"likelihood","agreement","variety","total"}}]}
//
// Thought 0 is the question and not listed; unmeasured scores are null; "conclusion" and "error" only where
// there is one.
#pragma once

#include <string>

#include "runtime/reasoning/reasoner.h"

namespace sovereign::server {

void append_reasoning_json(std::string& out, const runtime::ReasoningOutcome& outcome);

}  // namespace sovereign::server
