#include "roadmap_baselines/signature_first.h"

#include <algorithm>

namespace sovereign::roadmap {

using pci::RejectCode;

RejectCode SignatureFirst::admit(std::string_view bytes, std::uint64_t now_ms) {
  const auto envelope = pci::EnvelopeView::read(bytes);
  if (!envelope) return RejectCode::schema;
  const crypto::Digest digest = envelope->digest();
  const std::string_view message(reinterpret_cast<const char*>(digest.data()), digest.size());
  const crypto::PublicKey& key = envelope->public_key();
  if (!crypto::ed25519::verify({message, &key, &envelope->signature(), policy_.table_of(key)}))
    return RejectCode::signature;
  const pci::TimeWindow& window = policy_.window();
  store_.forget_before(now_ms - std::min(now_ms, window.past_ms));
  if (envelope->timestamp_ms() + window.past_ms < now_ms) return RejectCode::timestamp_stale;
  if (envelope->timestamp_ms() > now_ms + window.future_ms) return RejectCode::timestamp_future;
  if (store_.record(pci::replay_key(key, envelope->nonce()), envelope->timestamp_ms()) !=
      pci::Recorded::fresh)
    return RejectCode::nonce_replay;
  if (!policy_.accepts(*envelope)) return RejectCode::policy_mismatch;
  return policy_.is_good_enough(*envelope) ? RejectCode::none : RejectCode::ihsan_below_min;
}

}  // namespace sovereign::roadmap
