// One thought: a node of the graph, what is asked of a generator for it, and what comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "omega/evidence.h"

namespace sovereign::runtime {

// Index into ThoughtGraph::thoughts. 0 is the question.
using ThoughtId = std::uint32_t;

enum class ThoughtKind : std::uint8_t {
  question,  // the root; has no text of its own
  explore,   // a first attempt; parent: the question
  refine,    // one thought, checked and improved; parent: that thought
  merge,     // two thoughts that differ, weighed against each other; parents: both, the better first
};

enum class ThoughtStatus : std::uint8_t {
  pending,   // requested, no result yet
  complete,  // ended by itself
  cut,       // at its token limit, or at the deadline
  failed,    // no text: the generator's error, or nothing written
};

std::string_view to_string(ThoughtKind kind);
std::string_view to_string(ThoughtStatus status);

// [0,1] each; absent: unmeasured.
struct ThoughtScores {
  std::optional<double> likelihood;  // geometric mean of its tokens' probabilities: 1 / perplexity
  std::optional<double> agreement;   // share of the other thoughts that come to the same answer
  std::optional<double> variety;     // omega/signals/repetition.h, seen through the anchors
  std::optional<double> total;       // of those above; thought_scoring.h
  double vote = 0;                   // what it counts among others, measured or not; not told
};

struct Thought {
  ThoughtId id = 0;
  ThoughtKind kind = ThoughtKind::question;
  std::uint32_t depth = 0;  // 0: the question; 1: first attempts
  std::vector<ThoughtId> parents;
  ThoughtStatus status = ThoughtStatus::pending;
  std::string text;
  std::string conclusion;     // omega/final_answer.h; empty: the text names none
  std::uint32_t tokens = 0;   // generated
  std::uint32_t cluster = 0;  // thoughts of one cluster come to the same answer; numbered from 0
  ThoughtScores scores;
  std::string error;  // of a failed one, when the generator said why
};

// One message of a conversation; role is "user" or "assistant".
struct Turn {
  std::string role;
  std::string content;

  friend bool operator==(const Turn&, const Turn&) = default;
};

// What a generator is to do for one thought. `turns` hold the whole question and come after the system
// message and the earlier messages of the conversation, if any; the generator's answer is the next
// assistant message. Requests of one level begin with the same turns, so an engine that shares prefixes
// computes them once.
struct ThoughtRequest {
  ThoughtId id = 0;
  std::vector<Turn> turns;
  std::uint32_t seed = 0;        // different for each thought
  std::uint32_t max_tokens = 0;  // at least 1
};

struct ThoughtResult {
  ThoughtId id = 0;
  std::string text;
  std::vector<float> logprobs;  // per token, natural log, the model's own; may be empty
  std::uint32_t tokens = 0;     // generated, also when the text was lost
  omega::Ending ending = omega::Ending::unknown;
  std::string error;  // not empty: it failed
};

}  // namespace sovereign::runtime
