// How queries are thought over: the graph's shape, its budgets, and how thoughts are sampled.
#pragma once

#include <string>

#include "runtime/query.h"
#include "runtime/reasoning/reasoner.h"

namespace sovereign::runtime {

// `graph` passes validate(); temperature is above 0.
struct ReasoningPolicy {
  ReasoningConfig graph{.max_depth = 4};  // max_depth: the most levels that a query gets
  std::uint32_t default_depth = 2;        // levels of a query that requires reasoning and says no depth
  double temperature = 0.8;  // of the thoughts of a greedy query, which must differ from each other
};

// For cache keys: equal for policies that lead to equal answers.
std::string policy_text(const ReasoningPolicy& policy);

// The graph for one query. Its seed is the query's; without one a greedy query's thoughts are the same each
// time, any other's follow from its id.
ReasoningConfig graph_for(const SovereignQuery& query, const ReasoningPolicy& policy);

// How the query's thoughts are sampled; their seeds come with them.
engine::SamplingParams thought_sampling(const SovereignQuery& query, const ReasoningPolicy& policy);

}  // namespace sovereign::runtime
