// Checks a receipt offline: everything that can be known from the file and from what its holder has.
//
// Pure. The reasons are sentences for a person who does not know the formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pci/consistency_proof.h"
#include "pci/receipt.h"

namespace sovereign::pci {

// What the holder has; each part that is given is checked.
struct ReceiptEvidence {
  std::optional<std::string_view> query{};
  std::optional<std::string_view> answer{};
  std::optional<crypto::PublicKey> issuer{};      // the key that is trusted
  std::optional<crypto::Digest> model_digest{};   // of the model that should have answered
  const SignedReceipt* previous = nullptr;        // the receipt before it
  const ConsistencyProof* consistency = nullptr;  // from its head's size to the proof's own head
};

struct ReceiptCheck {
  std::string name;  // stable: "signature", "issuer", "log_head", "log_entry", "query", "answer", "model",
                     // "previous", "consistency"
  bool holds;
  std::string reason;
};

struct ReceiptVerdict {
  std::vector<ReceiptCheck> checks;
  bool holds() const;
  // Of the first check that fails; empty when all hold.
  std::string_view reason() const;
};

ReceiptVerdict verify_receipt(const ReceiptFile& file, const ReceiptEvidence& evidence = {});

}  // namespace sovereign::pci
