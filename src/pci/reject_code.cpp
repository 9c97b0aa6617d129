#include "pci/reject_code.h"

namespace sovereign::pci {

std::string_view to_string(RejectCode code) {
  switch (code) {
    case RejectCode::none: return "ADMITTED";
    case RejectCode::schema: return "REJECT_SCHEMA";
    case RejectCode::rate_limited: return "REJECT_RATE_LIMITED";
    case RejectCode::nonce_replay: return "REJECT_NONCE_REPLAY";
    case RejectCode::timestamp_stale: return "REJECT_TIMESTAMP_STALE";
    case RejectCode::timestamp_future: return "REJECT_TIMESTAMP_FUTURE";
    case RejectCode::policy_mismatch: return "REJECT_POLICY_MISMATCH";
    case RejectCode::signature: return "REJECT_SIGNATURE";
    case RejectCode::ihsan_below_min: return "REJECT_IHSAN_BELOW_MIN";
    case RejectCode::replay_store_full: return "REJECT_REPLAY_STORE_FULL";
    case RejectCode::replay_store_unavailable: return "REJECT_REPLAY_STORE_UNAVAILABLE";
  }
  return "REJECT_UNKNOWN";
}

}  // namespace sovereign::pci
