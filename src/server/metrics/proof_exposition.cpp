#include "server/metrics/proof_exposition.h"

namespace sovereign::server {

void write_receipt_metrics(PrometheusText& text, const pci::ReceiptStats& stats) {
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  text.counter("sovereign_receipts_issued_total", "Receipts made.", number(stats.issued));
  text.counter("sovereign_receipts_failed_total",
               "Receipts that could not be made; their answers were refused.", number(stats.failed));
  text.counter("sovereign_receipt_checkpoints_total",
               "Signed heads of the log that were stored, the log synced.", number(stats.checkpoints));
  text.counter("sovereign_receipt_checkpoints_failed_total", "Those that failed; each is tried again.",
               number(stats.checkpoints_failed));
  text.gauge("sovereign_receipt_log_entries", "Receipts in the log.", number(stats.log_entries));
  text.gauge("sovereign_receipt_log_bytes", "Size of the receipts in the log.", number(stats.log_bytes));
}

void write_gate_metrics(PrometheusText& text, const pci::GateSnapshot& gates) {
  using Type = PrometheusText::Type;
  const auto of_each_gate = [&](std::string_view name, std::string_view help, auto value) {
    text.begin(name, Type::counter, help);
    for (std::size_t i = 0; i < pci::kGates; ++i) {
      text.sample(value(gates.gates[i]), {{"gate", pci::to_string(static_cast<pci::Gate>(i))}});
    }
  };
  using OfGate = pci::GateSnapshot::OfGate;
  of_each_gate("sovereign_gate_passed_total", "Envelopes that a gate let through.",
               [](const OfGate& gate) { return static_cast<double>(gate.passed); });
  of_each_gate("sovereign_gate_rejected_total", "Envelopes that a gate refused.",
               [](const OfGate& gate) { return static_cast<double>(gate.rejected); });
  of_each_gate("sovereign_gate_seconds_total", "Time that all envelopes spent in a gate.",
               [](const OfGate& gate) { return static_cast<double>(gate.nanoseconds) * 1e-9; });
  text.begin("sovereign_gate_verdicts_total", Type::counter, "Envelopes by what became of them.");
  for (std::size_t i = 0; i < pci::kRejectCodes; ++i) {
    text.sample(static_cast<double>(gates.verdicts[i]),
                {{"code", pci::to_string(static_cast<pci::RejectCode>(i))}});
  }
}

}  // namespace sovereign::server
