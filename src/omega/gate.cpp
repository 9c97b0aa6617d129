#include "omega/gate.h"

#include <fmt/format.h>

namespace sovereign::omega {
namespace {

std::vector<Shortfall> shortfalls_of(const GatePolicy& policy, const Assessment& assessment) {
  std::vector<Shortfall> shortfalls;
  const bool unmeasured_fails = policy.unmeasured == UnmeasuredRule::fail;
  if (assessment.score ? *assessment.score < policy.min_score : unmeasured_fails)
    shortfalls.push_back({"score", assessment.score, policy.min_score});
  for (std::size_t d = 0; d < kDimensions; ++d) {
    const auto dimension = static_cast<Dimension>(d);
    const auto value = assessment.vector.get(dimension);
    const double minimum = policy.min_dimension[d];
    if (value ? *value < minimum : unmeasured_fails && policy.required[d])
      shortfalls.push_back({std::string(to_string(dimension)), value, minimum});
  }
  return shortfalls;
}

}  // namespace

std::string_view to_string(GateMode mode) {
  switch (mode) {
    case GateMode::off: return "off";
    case GateMode::annotate: return "annotate";
    case GateMode::enforce: return "enforce";
  }
  return {};
}

std::string_view to_string(UnmeasuredRule rule) {
  switch (rule) {
    case UnmeasuredRule::ignore: return "ignore";
    case UnmeasuredRule::fail: return "fail";
  }
  return {};
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::accept: return "accept";
    case Verdict::retry: return "retry";
    case Verdict::refuse: return "refuse";
  }
  return {};
}

std::optional<GateMode> gate_mode_from(std::string_view name) {
  for (const GateMode mode : {GateMode::off, GateMode::annotate, GateMode::enforce}) {
    if (name == to_string(mode)) return mode;
  }
  return std::nullopt;
}

std::optional<UnmeasuredRule> unmeasured_rule_from(std::string_view name) {
  for (const UnmeasuredRule rule : {UnmeasuredRule::ignore, UnmeasuredRule::fail}) {
    if (name == to_string(rule)) return rule;
  }
  return std::nullopt;
}

result<void> validate(const GatePolicy& policy) {
  const auto outside = [](double minimum) { return !(minimum >= 0.0 && minimum <= 1.0); };
  if (outside(policy.min_score))
    return fail(ErrorCode::invalid_argument, "min_score must be between 0 and 1", "min_score");
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (!outside(policy.min_dimension[d])) continue;
    const std::string name = fmt::format("min_dimension.{}", to_string(static_cast<Dimension>(d)));
    return fail(ErrorCode::invalid_argument, fmt::format("{} must be between 0 and 1", name), name);
  }
  return {};
}

Decision decide(const GatePolicy& policy, const Assessment& assessment, std::uint32_t retries) {
  Decision decision;
  if (policy.mode == GateMode::off) return decision;
  decision.shortfalls = shortfalls_of(policy, assessment);
  if (policy.mode == GateMode::annotate || decision.shortfalls.empty()) return decision;
  decision.verdict = retries < policy.max_retries ? Verdict::retry : Verdict::refuse;
  return decision;
}

std::string refusal_message(const Decision& decision) {
  std::string message = "the answer did not pass the quality gate";
  std::string_view separator = ": ";
  for (const Shortfall& shortfall : decision.shortfalls) {
    message += shortfall.value ? fmt::format("{}{} {:.2f} is below {:.2f}", separator, shortfall.name,
                                             *shortfall.value, shortfall.minimum)
                               : fmt::format("{}{} is unmeasured", separator, shortfall.name);
    separator = ", ";
  }
  return message;
}

}  // namespace sovereign::omega
