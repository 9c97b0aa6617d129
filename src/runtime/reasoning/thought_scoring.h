// Scores thoughts by evidence: what the model itself held of them, and how many come to the same answer.
//
//   cluster    thoughts with the same answer: equal conclusions when both name one, else
//              omega::similarity of the texts of at least `same_answer`. Formed in order of id.
//   agreement  (size of its cluster - 1) / (scored thoughts - 1); unmeasured for a thought alone
//   total      weighted mean of the measured ones of likelihood and agreement, times variety, times
//              `cut_factor` when it was cut; unmeasured when neither was
//   vote       total; for lack of one the same with 0.5 for the mean
// Only thoughts with text (complete or cut) are scored. Self-consistency (Wang et al. 2022) is the case
// likelihood_weight 0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "omega/calibration.h"
#include "runtime/reasoning/thought_graph.h"

namespace sovereign::runtime {

struct ScoringRules {
  double likelihood_weight = 1.0;
  double agreement_weight = 2.0;
  double cut_factor = 0.5;
  double same_answer = 0.6;  // [0,1]
  omega::Calibration calibration = omega::kDefaultCalibration;
};

// What a thought's own text and log-probabilities say; agreement, total and vote stay open.
void score_alone(Thought& thought, std::span<const float> logprobs, const ScoringRules& rules);

// Clusters, agreement, total and vote of all thoughts anew.
void score_together(ThoughtGraph& graph, const ScoringRules& rules);

struct Cluster {
  std::uint32_t id = 0;
  std::uint32_t size = 0;
  double weight = 0;   // sum of its thoughts' votes
  ThoughtId best = 0;  // highest vote; of equals the deepest, then the first
};

// Heaviest first; of equals the one that came first. Empty when no thought has text.
std::vector<Cluster> clusters_of(const ThoughtGraph& graph);

}  // namespace sovereign::runtime
