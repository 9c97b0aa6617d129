// How a backend is, in one word, for /readyz, metrics and people.
#pragma once

#include <string_view>

#include "gateway/circuit_breaker.h"

namespace sovereign::gateway {

enum class BackendStatus {
  cold,      // nothing is known yet; of a model here: it is not in memory, and comes when it is asked for
  warming,   // the model loads; of one that was served at its start: requests wait for it
  ready,     // it answers
  degraded,  // it answers, and failed lately
  offline,   // it cannot be reached, or its breaker is open
};

constexpr std::string_view to_string(BackendStatus status) {
  switch (status) {
    case BackendStatus::cold: return "cold";
    case BackendStatus::warming: return "warming";
    case BackendStatus::ready: return "ready";
    case BackendStatus::degraded: return "degraded";
    case BackendStatus::offline: return "offline";
  }
  return "offline";
}

// What the last health probe found.
enum class ProbeOutcome { none, loading, well, failed };

// A breaker that is not closed knows more than a probe: a server may list its models and fail every chat.
constexpr BackendStatus status_of(ProbeOutcome probe, CircuitBreaker::State breaker,
                                  std::uint32_t failures_in_a_row) {
  if (breaker == CircuitBreaker::State::open) return BackendStatus::offline;
  if (breaker == CircuitBreaker::State::half_open) return BackendStatus::degraded;
  switch (probe) {
    case ProbeOutcome::none: return BackendStatus::cold;
    case ProbeOutcome::loading: return BackendStatus::warming;
    case ProbeOutcome::failed: return BackendStatus::offline;
    case ProbeOutcome::well: break;
  }
  return failures_in_a_row > 0 ? BackendStatus::degraded : BackendStatus::ready;
}

}  // namespace sovereign::gateway
