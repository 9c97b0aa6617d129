// The roadmap's 'before' of admission: the signature is verified first, whatever else is wrong. Linked by
// benchmarks only.
//
// Kept as fast as that order allows: the same envelope, replay store and verifier as ours, no metrics.
#pragma once

#include "pci/gate_policy.h"
#include "pci/reject_code.h"
#include "pci/replay_store.h"

namespace sovereign::roadmap {

class SignatureFirst {
 public:
  // The store outlives it.
  SignatureFirst(pci::GatePolicy policy, pci::ReplayStore& store)
      : policy_(std::move(policy)), store_(store) {}

  pci::RejectCode admit(std::string_view bytes, std::uint64_t now_ms);

 private:
  pci::GatePolicy policy_;
  pci::ReplayStore& store_;
};

}  // namespace sovereign::roadmap
