#include "pci/gate_metrics.h"

namespace sovereign::pci {

std::string_view to_string(Gate gate) {
  constexpr std::array<std::string_view, kGates> kNames = {"schema", "rate",      "replay", "timestamp",
                                                           "policy", "signature", "record", "quality"};
  const auto i = static_cast<std::size_t>(gate);
  return i < kGates ? kNames[i] : std::string_view{};
}

GateSnapshot GateMetrics::snapshot() const noexcept {
  GateSnapshot snapshot;
  for (std::size_t i = 0; i < kRejectCodes; ++i)
    snapshot.verdicts[i] = verdicts_[i].load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kGates; ++i)
    snapshot.gates[i] = {passed_[i].load(std::memory_order_relaxed),
                         rejected_[i].load(std::memory_order_relaxed),
                         nanoseconds_[i].load(std::memory_order_relaxed)};
  return snapshot;
}

}  // namespace sovereign::pci
