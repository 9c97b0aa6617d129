#include "runtime/reasoning/reasoner.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace sovereign::runtime {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

ThoughtStatus status_of(const ThoughtResult& result) {
  if (!result.error.empty() || is_blank(result.text)) return ThoughtStatus::failed;
  const bool ended = result.ending == omega::Ending::complete || result.ending == omega::Ending::unknown;
  return ended ? ThoughtStatus::complete : ThoughtStatus::cut;
}

tl::unexpected<Error> bad(std::string_view name, std::string_view rule) {
  return fail(ErrorCode::invalid_argument, std::string(name).append(" must be ").append(rule),
              std::string(name));
}

std::uint32_t add_saturated(std::uint32_t a, std::uint32_t b) {
  return b > std::numeric_limits<std::uint32_t>::max() - a ? std::numeric_limits<std::uint32_t>::max()
                                                           : a + b;
}

}  // namespace

result<void> validate(const ReasoningConfig& config) {
  if (config.max_depth < 1 || config.max_depth > ReasoningConfig::kMaxDepth)
    return bad("max_depth", "between 1 and 16");
  if (config.branches < 1 || config.branches > ReasoningConfig::kMaxBranches)
    return bad("branches", "between 1 and 32");
  if (config.min_thought_tokens < 1) return bad("min_thought_tokens", "1 or more");
  if (config.max_thought_tokens < config.min_thought_tokens)
    return bad("max_thought_tokens", "no less than min_thought_tokens");
  if (config.max_tokens < config.min_thought_tokens)
    return bad("max_tokens", "no less than min_thought_tokens");
  if (config.max_time < Duration::zero()) return bad("max_time", "0 or more");
  if (!(config.stop_agreement > 0)) return bad("stop_agreement", "above 0");
  const ScoringRules& scoring = config.scoring;
  const auto weight = [](double w) { return std::isfinite(w) && w >= 0; };
  if (!weight(scoring.likelihood_weight)) return bad("scoring.likelihood_weight", "0 or more");
  if (!weight(scoring.agreement_weight)) return bad("scoring.agreement_weight", "0 or more");
  if (!(scoring.cut_factor >= 0 && scoring.cut_factor <= 1))
    return bad("scoring.cut_factor", "between 0 and 1");
  if (!(scoring.same_answer >= 0 && scoring.same_answer <= 1))
    return bad("scoring.same_answer", "between 0 and 1");
  return {};
}

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::depth: return "depth";
    case StopReason::agreement: return "agreement";
    case StopReason::tokens: return "tokens";
    case StopReason::time: return "time";
    case StopReason::failure: return "failure";
  }
  return {};
}

Reasoner::Reasoner(std::string_view question, ReasoningConfig config)
    : question_(question), config_(std::move(config)) {
  assert(validate(config_));
}

std::vector<ThoughtRequest> Reasoner::next(Time now) {
  assert(level_complete());
  if (done()) return {};
  if (level_ == 0 && config_.max_time > Duration::zero()) deadline_ = now + config_.max_time;
  stop_ = reason_to_stop(now);
  if (stop_) return {};
  const std::uint32_t count = plan_level();
  if (count == 0) {
    stop_ = StopReason::tokens;
    return {};
  }
  level_begin_ = static_cast<ThoughtId>(graph_.size());
  std::vector<ThoughtRequest> requests = level_ == 0 ? explore(count) : improve(count);
  ++level_;
  outstanding_ = count;
  level_logprobs_.assign(count, {});
  assert(requests.size() == count && graph_.size() == level_begin_ + count);
  return requests;
}

void Reasoner::on_result(ThoughtResult result) {
  if (result.id < level_begin_ || result.id >= graph_.size()) return;
  Thought& thought = graph_.at(result.id);
  if (thought.status != ThoughtStatus::pending) return;
  thought.status = status_of(result);
  thought.tokens = result.tokens;
  thought.error = std::move(result.error);
  if (thought.status != ThoughtStatus::failed) thought.text = std::move(result.text);
  level_logprobs_[result.id - level_begin_] = std::move(result.logprobs);
  tokens_ = add_saturated(tokens_, thought.tokens);
  assert(outstanding_ > 0);
  if (--outstanding_ > 0) return;
  score_level(graph_);
  level_logprobs_.clear();
}

void Reasoner::score_level(ThoughtGraph& graph) const {
  for (std::size_t i = 0; i < level_logprobs_.size(); ++i) {
    score_alone(graph.at(level_begin_ + static_cast<ThoughtId>(i)), level_logprobs_[i], config_.scoring);
  }
  score_together(graph, config_.scoring);
}

std::optional<StopReason> Reasoner::reason_to_stop(Time now) const {
  if (level_ > 0) {
    if (level_failed()) return StopReason::failure;
    if (level_agreed()) return StopReason::agreement;
    if (level_ == config_.max_depth) return StopReason::depth;
  }
  if (deadline_ && now >= *deadline_) return StopReason::time;
  return std::nullopt;
}

bool Reasoner::level_failed() const {
  return std::all_of(graph_.thoughts().begin() + level_begin_, graph_.thoughts().end(),
                     [](const Thought& thought) { return thought.status == ThoughtStatus::failed; });
}

bool Reasoner::level_agreed() const {
  constexpr std::uint32_t kLeastAgreeing = 2;
  std::vector<std::uint32_t> votes(graph_.size(), 0);
  std::uint32_t most = 0;
  for (ThoughtId id = level_begin_; id < graph_.size(); ++id) {
    const Thought& thought = graph_.at(id);
    if (thought.status == ThoughtStatus::complete) most = std::max(most, ++votes[thought.cluster]);
  }
  const auto asked = static_cast<double>(graph_.size() - level_begin_);
  return most >= kLeastAgreeing && static_cast<double>(most) >= config_.stop_agreement * asked;
}

std::uint32_t Reasoner::plan_level() {
  const std::uint32_t left = config_.max_tokens - std::min(config_.max_tokens, tokens_);
  const std::uint32_t count = std::min(config_.branches, left / config_.min_thought_tokens);
  if (count > 0) thought_tokens_ = std::min(config_.max_thought_tokens, left / count);
  return count;
}

ThoughtRequest Reasoner::request(ThoughtKind kind, std::vector<ThoughtId> parents, std::vector<Turn> turns) {
  const ThoughtId id = graph_.add(kind, std::move(parents));
  return {id, std::move(turns), config_.seed + id, thought_tokens_};
}

std::vector<ThoughtRequest> Reasoner::explore(std::uint32_t count) {
  std::vector<ThoughtRequest> requests;
  for (std::uint32_t i = 0; i < count; ++i)
    requests.push_back(request(ThoughtKind::explore, {0}, explore_turns(config_.prompts, question_)));
  return requests;
}

// A merge needs two answers to weigh; the refinements take the clusters' best in turn, the heaviest first.
std::vector<ThoughtRequest> Reasoner::improve(std::uint32_t count) {
  const std::vector<Cluster> clusters = clusters_of(graph_);
  assert(!clusters.empty());
  std::vector<ThoughtRequest> requests;
  if (clusters.size() >= 2) {
    const ThoughtId first = clusters[0].best;
    const ThoughtId second = clusters[1].best;
    requests.push_back(
        request(ThoughtKind::merge, {first, second},
                merge_turns(config_.prompts, question_, graph_.at(first).text, graph_.at(second).text)));
  }
  for (std::size_t turn = 0; requests.size() < count; ++turn) {
    const ThoughtId parent = clusters[turn % clusters.size()].best;
    requests.push_back(request(ThoughtKind::refine, {parent},
                               refine_turns(config_.prompts, question_, graph_.at(parent).text)));
  }
  return requests;
}

ReasoningOutcome Reasoner::outcome() const {
  ReasoningOutcome outcome;
  outcome.graph = graph_;
  if (!level_complete()) score_level(outcome.graph);
  outcome.stop = stop_.value_or(StopReason::depth);
  outcome.levels = outstanding_ == 0 ? level_ : level_ - 1;
  outcome.tokens = tokens_;
  const std::vector<Cluster> clusters = clusters_of(outcome.graph);
  if (!clusters.empty()) {
    const Thought& best = outcome.graph.at(clusters.front().best);
    outcome.best_path = outcome.graph.path_to(best.id);
    outcome.answer = best.text;
    outcome.conclusion = best.conclusion;
  }
  return outcome;
}

}  // namespace sovereign::runtime
