// What is done about the quality of answers: how they are judged, and what happens to those that fall short.
#pragma once

#include <chrono>
#include <string>

#include "omega/gate.h"

namespace sovereign::runtime {

struct QualityPolicy {
  omega::GatePolicy gate;
  bool likelihood = true;  // evidence from the tokens' own probabilities, which cost a little while decoding
  bool judge = false;      // a model is asked to judge each answer as well
  std::string judge_model{};  // which, named as in a request; empty: the one that answered
  std::chrono::milliseconds judge_timeout{30'000};  // a verdict that comes later is not waited for

  bool assesses() const { return gate.mode != omega::GateMode::off; }
  // Whether nothing of an answer may be told before it has passed.
  bool holds_back() const { return gate.mode == omega::GateMode::enforce; }
  // Whether an answer that falls short is made anew.
  bool retries() const { return holds_back() && gate.max_retries > 0; }
};

// For cache keys: equal for policies that give equal answers with equal notes.
std::string policy_text(const QualityPolicy& policy);

}  // namespace sovereign::runtime
