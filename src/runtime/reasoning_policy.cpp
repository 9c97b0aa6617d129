#include "runtime/reasoning_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace sovereign::runtime {

std::string policy_text(const ReasoningPolicy& policy) {
  const ReasoningConfig& graph = policy.graph;
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", graph.max_depth, policy.default_depth, graph.branches,
                     graph.max_thought_tokens, graph.min_thought_tokens, graph.max_tokens,
                     std::chrono::duration_cast<std::chrono::milliseconds>(graph.max_time).count(),
                     graph.stop_agreement, policy.temperature);
}

ReasoningConfig graph_for(const SovereignQuery& query, const ReasoningPolicy& policy) {
  ReasoningConfig graph = policy.graph;
  const std::uint32_t wanted = query.max_depth > 0 ? query.max_depth : policy.default_depth;
  graph.max_depth = std::min(wanted, policy.graph.max_depth);
  if (query.sampling.seed) {
    graph.seed = *query.sampling.seed;
  } else if (!query.sampling.greedy()) {
    graph.seed = static_cast<std::uint32_t>(std::hash<std::string>{}(query.id));
  }
  return graph;
}

engine::SamplingParams thought_sampling(const SovereignQuery& query, const ReasoningPolicy& policy) {
  engine::SamplingParams sampling = query.sampling;
  if (sampling.greedy()) {
    sampling.temperature = static_cast<float>(policy.temperature);
    sampling.top_k = 0;
  }
  sampling.top_logprobs = -1;
  sampling.log_likelihoods = true;
  return sampling;
}

}  // namespace sovereign::runtime
