// What passed and failed at each gate, and how long it took: plain values for /metrics.
//
// Counting takes no lock. Thread-safe; a snapshot taken meanwhile may have counted part of an envelope.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "pci/reject_code.h"

namespace sovereign::pci {

// In the order in which an envelope meets them.
enum class Gate : std::uint8_t { schema, rate, replay, timestamp, policy, signature, record, quality };
inline constexpr std::size_t kGates = 8;

std::string_view to_string(Gate gate);

struct GateSnapshot {
  struct OfGate {
    std::uint64_t passed = 0;
    std::uint64_t rejected = 0;
    std::uint64_t nanoseconds = 0;  // spent in it, by all envelopes
  };
  std::array<OfGate, kGates> gates;
  std::array<std::uint64_t, kRejectCodes> verdicts{};  // by code; none: admitted
};

class GateMetrics {
 public:
  void spent(Gate gate, std::uint64_t nanoseconds) noexcept { add(nanoseconds_[index(gate)], nanoseconds); }
  // The gate that said no; any gate for an admitted one.
  void verdict(RejectCode code, Gate gate) noexcept {
    add(verdicts_[static_cast<std::size_t>(code)], 1);
    const bool admitted = code == RejectCode::none;
    const std::size_t passed = admitted ? kGates : index(gate);
    for (std::size_t i = 0; i < passed; ++i) add(passed_[i], 1);
    if (!admitted) add(rejected_[passed], 1);
  }

  GateSnapshot snapshot() const noexcept;

 private:
  using Counter = std::atomic<std::uint64_t>;
  static std::size_t index(Gate gate) noexcept { return static_cast<std::size_t>(gate); }
  static void add(Counter& counter, std::uint64_t by) noexcept {
    counter.fetch_add(by, std::memory_order_relaxed);
  }

  std::array<Counter, kGates> nanoseconds_{};
  std::array<Counter, kGates> passed_{};
  std::array<Counter, kGates> rejected_{};
  std::array<Counter, kRejectCodes> verdicts_{};
};

}  // namespace sovereign::pci
