// What a canary's variant changes of a query. What it changes of the pipeline (quality, reasoning) is in the
// variant's own pipeline, of routing and the engine in the gateway. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/tier.h"
#include "runtime/query.h"

namespace sovereign::runtime {

struct CanaryOverlay {
  // Who answers; empty and none: as for control.
  std::string model;
  std::optional<gateway::Tier> tier;
  // Routing by keys of its own: the same.
  bool routing = false;
  // An engine with settings of its own answers in the place of the first model's.
  bool engine = false;

  // Put before what the query itself says as the system's message.
  std::string system;

  // Defaults: a query that says otherwise keeps what it says.
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> typical_p;
  std::optional<double> repeat_penalty;
  std::optional<double> frequency_penalty;
  std::optional<double> presence_penalty;
  std::optional<std::int64_t> top_k;
  std::optional<std::int64_t> max_tokens;

  // Whether it changes who answers.
  bool routes() const { return !model.empty() || tier.has_value() || routing; }
};

// All but who answers.
void apply_overlay(const CanaryOverlay& overlay, SovereignQuery& query);

}  // namespace sovereign::runtime
