// Receipts and gates on /metrics.
#pragma once

#include "pci/gate_metrics.h"
#include "pci/receipt_issuer.h"
#include "server/metrics/prometheus_text.h"

namespace sovereign::server {

void write_receipt_metrics(PrometheusText& text, const pci::ReceiptStats& stats);
void write_gate_metrics(PrometheusText& text, const pci::GateSnapshot& gates);

}  // namespace sovereign::server
