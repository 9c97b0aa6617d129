// The quality gate: what happens to an answer, given its assessment. A pure decision.
//
//   off       accept; the caller need not even assess
//   annotate  accept, whatever the scores; `shortfalls` says what enforce would have held against it
//   enforce   an answer with a shortfall is retried `max_retries` times, then refused with its scores
//
// Unmeasured dimensions: `ignore` lets them pass; `fail` counts each one in `required` as a shortfall
// (and the score, when there is none). What is measured must reach its minimum under both.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "omega/assessment.h"

namespace sovereign::omega {

enum class GateMode : std::uint8_t { off, annotate, enforce };
enum class UnmeasuredRule : std::uint8_t { ignore, fail };

std::string_view to_string(GateMode mode);
std::string_view to_string(UnmeasuredRule rule);
std::optional<GateMode> gate_mode_from(std::string_view name);
std::optional<UnmeasuredRule> unmeasured_rule_from(std::string_view name);

struct GatePolicy {
  GateMode mode = GateMode::annotate;
  UnmeasuredRule unmeasured = UnmeasuredRule::ignore;
  double min_score = 0.95;                          // of Assessment::score; MISSION.md 6
  std::array<double, kDimensions> min_dimension{};  // by Dimension; 0: no minimum of its own
  // Which dimensions UnmeasuredRule::fail looks at.
  std::array<bool, kDimensions> required = {true, true, true, true, true, true, true, true};
  std::uint32_t max_retries = 1;
};

// Errors: invalid_argument, a minimum outside [0,1], with the field's name.
result<void> validate(const GatePolicy& policy);

enum class Verdict : std::uint8_t { accept, retry, refuse };
std::string_view to_string(Verdict verdict);

struct Shortfall {
  std::string name;             // "score", or the dimension's
  std::optional<double> value;  // absent: unmeasured
  double minimum = 0;

  friend bool operator==(const Shortfall&, const Shortfall&) = default;
};

struct Decision {
  Verdict verdict = Verdict::accept;
  std::vector<Shortfall> shortfalls;
};

// `retries` made so far for this query: 0 for the first answer.
Decision decide(const GatePolicy& policy, const Assessment& assessment, std::uint32_t retries);

// One sentence for the client of a refused answer: what fell short, and by how much.
std::string refusal_message(const Decision& decision);

}  // namespace sovereign::omega
