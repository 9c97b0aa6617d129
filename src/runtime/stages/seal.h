// The stage `seal`: the receipt of an answer, for the client who asked for one.
//
// Found and shared answers are sealed too, each anew: a receipt says what was answered to whom and when, not
// what was computed. Without its receipt an answer is refused: whoever asked for proof must not take an
// unproven answer for a proven one, and the log must have all that was answered under it.
#pragma once

#include "pci/receipt_issuer.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

class SealStage final : public Stage {
 public:
  // The issuer outlives every run.
  explicit SealStage(pci::ReceiptIssuer& issuer) : issuer_(issuer) {}
  std::string_view name() const override { return "seal"; }
  bool takes_found_answers() const override { return true; }
  void enter(const QueryRunPtr& run) override;

 private:
  pci::ReceiptIssuer& issuer_;
};

}  // namespace sovereign::runtime
