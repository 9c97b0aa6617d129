#include "runtime/quality_policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sovereign::runtime {

std::string policy_text(const QualityPolicy& policy) {
  const omega::GatePolicy& gate = policy.gate;
  if (!policy.assesses()) return "off";
  std::string required;
  for (const bool one : gate.required) required += one ? '1' : '0';
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", to_string(gate.mode), to_string(gate.unmeasured),
                     gate.min_score, fmt::join(gate.min_dimension, ","), required, gate.max_retries,
                     policy.judge ? "judge" + policy.judge_model : "", policy.likelihood ? "likelihood" : "");
}

}  // namespace sovereign::runtime
