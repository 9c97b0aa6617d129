#include "pci/gate_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace sovereign::pci {

crypto::Digest policy_digest(std::string_view text) { return crypto::digest_of({"policy", 1}, text); }

result<GatePolicy> GatePolicy::from(const GatePolicyConfig& config) {
  GatePolicy policy;
  policy.window_ = config.window;
  policy.policies_ = config.policies;
  if (config.policies.empty())
    return fail(ErrorCode::invalid_argument, "a gate needs at least one accepted policy", "policies");
  for (const KindRule& rule : config.kinds) {
    const auto kind = static_cast<std::size_t>(rule.kind);
    if (kind >= policy.ihsan_min_.size() || policy.ihsan_min_[kind])
      return fail(ErrorCode::invalid_argument, fmt::format("payload kind {} is unknown or named twice", kind),
                  "kinds");
    policy.ihsan_min_[kind] = rule.ihsan_min;
  }
  for (const KnownSender& sender : config.senders) {
    auto table = crypto::ed25519::PublicKeyTable::from(sender.public_key);
    if (!table)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the key of sender '{}' is not an Ed25519 public key", sender.name), "senders");
    if (!policy.senders_.emplace(sender.public_key, Sender{sender.name, std::move(*table)}).second)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the key of sender '{}' is there twice", sender.name), "senders");
  }
  return policy;
}

std::size_t GatePolicy::KeyHash::operator()(const crypto::PublicKey& key) const noexcept {
  std::size_t hash;
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

bool GatePolicy::accepts(const EnvelopeView& envelope) const noexcept {
  if (!ihsan_min_[static_cast<std::size_t>(envelope.kind())]) return false;
  if (std::find(policies_.begin(), policies_.end(), envelope.policy()) == policies_.end()) return false;
  if (senders_.empty()) return true;
  const auto sender = senders_.find(envelope.public_key());
  return sender != senders_.end() && sender->second.name == envelope.sender();
}

bool GatePolicy::is_good_enough(const EnvelopeView& envelope) const noexcept {
  const std::uint32_t minimum = *ihsan_min_[static_cast<std::size_t>(envelope.kind())];
  std::uint32_t sum = 0;
  std::uint32_t measured = 0;
  for (const std::uint16_t score : envelope.scores()) {
    if (score == kScoreUnmeasured) continue;
    sum += score;
    ++measured;
  }
  if (measured == 0) return minimum == 0;
  return sum >= minimum * measured;
}

const crypto::ed25519::PublicKeyTable* GatePolicy::table_of(const crypto::PublicKey& key) const noexcept {
  const auto sender = senders_.find(key);
  return sender == senders_.end() ? nullptr : &sender->second.table;
}

}  // namespace sovereign::pci
