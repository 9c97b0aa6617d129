#include "pci/gate_metrics.h"

#include <algorithm>

namespace sovereign::pci {

std::string_view to_string(Gate gate) {
  constexpr std::array<std::string_view, kGates> kNames = {"schema", "rate",      "replay", "timestamp",
                                                           "policy", "signature", "record", "quality"};
  const auto i = static_cast<std::size_t>(gate);
  return i < kGates ? kNames[i] : std::string_view{};
}

GateSnapshot GateMetrics::snapshot() const noexcept {
  GateSnapshot snapshot;
  std::uint64_t left = 0;
  for (std::size_t i = 0; i < kRejectCodes; ++i) {
    snapshot.verdicts[i] = verdicts_[i].load(std::memory_order_relaxed);
    left += snapshot.verdicts[i];
  }
  // Whoever was not rejected at a gate went on to the next.
  for (std::size_t i = 0; i < kGates; ++i) {
    GateSnapshot::OfGate& gate = snapshot.gates[i];
    gate.rejected = rejected_[i].load(std::memory_order_relaxed);
    gate.nanoseconds = nanoseconds_[i].load(std::memory_order_relaxed);
    left -= std::min(left, gate.rejected);
    gate.passed = left;
  }
  return snapshot;
}

}  // namespace sovereign::pci
