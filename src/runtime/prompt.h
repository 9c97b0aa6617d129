// Where a query's parts stand in the prompt. docs/query.md shows it to users; both must agree.
//
// Context comes before the question, and the system message before both: queries on the same documents then
// begin alike, and the engine computes that beginning once.
#pragma once

#include <string>

#include "runtime/query.h"

namespace sovereign::runtime {

// OpenAI's `messages` for a query with content, as JSON text.
std::string compose_messages(const SovereignQuery& query);

// The text of the user's message: the context, then the question; the question alone without context.
std::string compose_question(const SovereignQuery& query);

}  // namespace sovereign::runtime
