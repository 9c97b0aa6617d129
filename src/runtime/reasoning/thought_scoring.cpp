#include "runtime/reasoning/thought_scoring.h"

#include <algorithm>
#include <cmath>

#include "omega/final_answer.h"
#include "omega/normalized_answer.h"
#include "omega/signals/agreement.h"
#include "omega/signals/likelihood.h"
#include "omega/signals/repetition.h"

namespace sovereign::runtime {
namespace {

bool has_text(const Thought& thought) {
  return thought.status == ThoughtStatus::complete || thought.status == ThoughtStatus::cut;
}

bool is_scored(const Thought& thought) { return thought.kind != ThoughtKind::question && has_text(thought); }

bool same_answer(const Thought& a, const Thought& b, double limit) {
  if (!a.conclusion.empty() && !b.conclusion.empty()) return omega::answers_equal(a.conclusion, b.conclusion);
  return omega::similarity(a.text, b.text) >= limit;
}

// Each thought joins the cluster whose first thought it agrees with, or begins one. Gives their sizes.
std::vector<std::uint32_t> form_clusters(std::vector<Thought>& thoughts, double limit) {
  std::vector<std::uint32_t> sizes;
  std::vector<const Thought*> firsts;
  for (Thought& thought : thoughts) {
    if (!is_scored(thought)) continue;
    const auto found = std::find_if(firsts.begin(), firsts.end(), [&](const Thought* first) {
      return same_answer(*first, thought, limit);
    });
    thought.cluster = static_cast<std::uint32_t>(found - firsts.begin());
    if (found == firsts.end()) {
      firsts.push_back(&thought);
      sizes.push_back(0);
    }
    ++sizes[thought.cluster];
  }
  return sizes;
}

void add_up(Thought& thought, const ScoringRules& rules) {
  double sum = 0;
  double weight = 0;
  const auto count = [&](const std::optional<double>& score, double its_weight) {
    if (!score) return;
    sum += its_weight * *score;
    weight += its_weight;
  };
  count(thought.scores.likelihood, rules.likelihood_weight);
  count(thought.scores.agreement, rules.agreement_weight);
  // Without any evidence for or against it, a thought stands in the middle among others. No measurement.
  constexpr double kNoEvidence = 0.5;
  double vote = weight > 0 ? sum / weight : kNoEvidence;
  vote *= thought.scores.variety.value_or(1.0);
  if (thought.status == ThoughtStatus::cut) vote *= rules.cut_factor;
  thought.scores.vote = vote;
  thought.scores.total = weight > 0 ? std::optional(vote) : std::nullopt;
}

bool better(const Thought& a, const Thought& b) {
  if (a.scores.vote != b.scores.vote) return a.scores.vote > b.scores.vote;
  if (a.depth != b.depth) return a.depth > b.depth;
  return a.id < b.id;
}

}  // namespace

void score_alone(Thought& thought, std::span<const float> logprobs, const ScoringRules& rules) {
  thought.scores = {};
  if (!has_text(thought)) return;
  const auto conclusion = omega::final_answer(thought.text);
  thought.conclusion = conclusion ? std::string(*conclusion) : std::string();
  if (const auto mean = omega::mean_logprob(logprobs)) thought.scores.likelihood = std::exp(*mean);
  const std::vector<omega::Word> words = omega::words_of(thought.text);
  if (const auto variety = omega::variety(thought.text, words))
    thought.scores.variety = omega::read(*variety, rules.calibration.of(omega::Signal::variety)).score;
}

void score_together(ThoughtGraph& graph, const ScoringRules& rules) {
  std::vector<Thought>& thoughts = graph.thoughts();
  const std::vector<std::uint32_t> sizes = form_clusters(thoughts, rules.same_answer);
  std::uint32_t scored = 0;
  for (const std::uint32_t size : sizes) scored += size;
  for (Thought& thought : thoughts) {
    if (!is_scored(thought)) continue;
    thought.scores.agreement = scored < 2 ? std::nullopt
                                          : std::optional(static_cast<double>(sizes[thought.cluster] - 1) /
                                                          static_cast<double>(scored - 1));
    add_up(thought, rules);
  }
}

std::vector<Cluster> clusters_of(const ThoughtGraph& graph) {
  std::vector<Cluster> clusters;
  for (const Thought& thought : graph.thoughts()) {
    if (!is_scored(thought)) continue;
    if (thought.cluster >= clusters.size()) {
      clusters.push_back({static_cast<std::uint32_t>(clusters.size()), 0, 0.0, thought.id});
    }
    Cluster& cluster = clusters[thought.cluster];
    ++cluster.size;
    cluster.weight += thought.scores.vote;
    if (better(thought, graph.at(cluster.best))) cluster.best = thought.id;
  }
  std::stable_sort(clusters.begin(), clusters.end(),
                   [](const Cluster& a, const Cluster& b) { return a.weight > b.weight; });
  return clusters;
}

}  // namespace sovereign::runtime
