// Reasoning as a graph of thoughts: the pure core.
//
//   Reasoner reasoner(question, config, now);
//   while (!reasoner.done()) {
//     const std::vector<ThoughtRequest> requests = reasoner.next(now);   // generate these, in parallel
//     ... for each, in any order:  reasoner.on_result(result);
//   }
//   reasoner.outcome()
//
// Level 1 asks for `branches` first attempts at the question. Each further level, up to `max_depth`,
// asks for as many again: a merge of the best thoughts of the two heaviest clusters when there are two,
// and refinements of the best thoughts. After each level all thoughts are scored by evidence
// (thought_scoring.h). Reasoning ends when max_depth is reached, when enough thoughts agree, when tokens
// or time are used up, or when a level brought no text. The best thought of the heaviest cluster answers.
//
// Sources: Besta et al. 2023, 'Graph of Thoughts' (generate, score, aggregate, refine over a graph);
// Wang et al. 2022, 'Self-consistency' (the vote); Yao et al. 2023, 'Tree of Thoughts' (levels).
//
// No I/O, no clock, no randomness of its own: the same question, configuration, times and results give
// the same requests and the same outcome, in whatever order results arrive. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime/reasoning/thought_graph.h"
#include "runtime/reasoning/thought_prompts.h"
#include "runtime/reasoning/thought_scoring.h"

namespace sovereign::runtime {

struct ReasoningConfig {
  static constexpr std::uint32_t kMaxDepth = 16;
  static constexpr std::uint32_t kMaxBranches = 32;

  std::uint32_t max_depth = 2;                   // levels, 1 to kMaxDepth
  std::uint32_t branches = 4;                    // thoughts per level, 1 to kMaxBranches
  std::uint32_t max_thought_tokens = 256;        // of one thought
  std::uint32_t min_thought_tokens = 16;         // a thought that could not have this many is not begun
  std::uint32_t max_tokens = 2048;               // generated, all thoughts together
  Duration max_time = std::chrono::seconds(60);  // from the first next(); 0: no limit
  // Share of a level's thoughts, over 0 to 1, that must complete with the same answer for an early stop;
  // it takes two at least. Over 1: never stops early.
  double stop_agreement = 0.75;
  std::uint32_t seed = 0;  // thought i samples with seed + i
  ScoringRules scoring{};
  ThoughtPrompts prompts = default_thought_prompts();
};

// Errors: invalid_argument with the field's name.
result<void> validate(const ReasoningConfig& config);

enum class StopReason : std::uint8_t {
  depth,      // max_depth levels are done
  agreement,  // enough thoughts came to the same answer
  tokens,     // max_tokens leaves no room for another thought
  time,       // max_time has passed
  failure,    // no thought of a level brought any text
};

std::string_view to_string(StopReason reason);

struct ReasoningOutcome {
  ThoughtGraph graph;
  std::vector<ThoughtId> best_path;  // from the question to the thought that answers; empty: there is none
  std::string answer;                // that thought's text
  std::string conclusion;            // the answer proper within it; empty when it names none
  StopReason stop = StopReason::depth;
  std::uint32_t levels = 0;  // that brought a result
  std::uint32_t tokens = 0;  // generated
};

class Reasoner {
 public:
  // `question` is the text of the user's message, its context included. `config` must pass validate().
  Reasoner(std::string_view question, ReasoningConfig config);

  // The requests of the next level; empty when reasoning is done. Only when no result is outstanding.
  std::vector<ThoughtRequest> next(Time now);

  // A result of the level under way; one for another id, or a second for the same, is ignored. Tokens and
  // ending are the generator's word; `error` makes a failed thought.
  void on_result(ThoughtResult result);

  // True when every request of the level has its result (and before the first).
  bool level_complete() const { return outstanding_ == 0; }
  bool done() const { return stop_.has_value(); }
  // When the generator should give up on a thought; absent: no limit. Set by the first next().
  std::optional<Time> deadline() const { return deadline_; }

  // At any time: the best so far, also in the middle of a level.
  ReasoningOutcome outcome() const;

 private:
  // Of the level under way, what has its result by now, and all before it.
  void score_level(ThoughtGraph& graph) const;
  std::optional<StopReason> reason_to_stop(Time now) const;
  bool level_failed() const;
  bool level_agreed() const;
  // Sets thought_tokens_; 0 when no thought is affordable.
  std::uint32_t plan_level();
  std::vector<ThoughtRequest> explore(std::uint32_t count);
  std::vector<ThoughtRequest> improve(std::uint32_t count);
  ThoughtRequest request(ThoughtKind kind, std::vector<ThoughtId> parents, std::vector<Turn> turns);

  std::string question_;
  ReasoningConfig config_;
  ThoughtGraph graph_;
  std::vector<std::vector<float>> level_logprobs_;  // by place in the level
  ThoughtId level_begin_ = 1;
  std::uint32_t level_ = 0;
  std::uint32_t outstanding_ = 0;
  std::uint32_t tokens_ = 0;
  std::uint32_t thought_tokens_ = 0;  // limit of each thought of the level
  std::optional<Time> deadline_;
  std::optional<StopReason> stop_;
};

}  // namespace sovereign::runtime
