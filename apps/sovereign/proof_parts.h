// What the server proves with, as the settings describe it: the issuer of receipts, and the gates before
// signed queries.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "pci/gate_chain.h"
#include "pci/receipt_issuer.h"

namespace sovereign {

struct Receipts {
  std::unique_ptr<pci::ReceiptIssuer> issuer;  // null: no receipts are made
  std::string why_none;                        // then: why, for who asks for one
};

// A key or log that cannot be had is an error when every answer needs its receipt, and so is a key that the
// settings name; else there are none, and a key that was never made is not worth a warning. Errors: as
// crypto::load_key_file() and ReceiptLog::open().
result<Receipts> open_receipts(const config::ReceiptSettings& settings);

// The gates and the nonces that they remember.
struct Gates {
  std::unique_ptr<pci::ReplayStore> store;
  std::unique_ptr<pci::ReplayJournal> journal;
  std::unique_ptr<pci::GateChain> chain;
};

// Null without senders. Errors: as GatePolicy::from() and ReplayJournal::open(). The clock outlives them.
result<std::unique_ptr<Gates>> open_gates(const config::EnvelopeSettings& settings, const Clock& clock);

}  // namespace sovereign
