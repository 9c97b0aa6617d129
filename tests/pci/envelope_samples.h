// Envelopes and gates for tests.
#pragma once

#include <string>

#include "pci/envelope.h"
#include "pci/gate_chain.h"

namespace sovereign::pci {

inline constexpr std::uint64_t kNowMs = 1'800'000'000'000;
inline constexpr std::string_view kPolicyText = "be honest";

inline Scores scores_of(std::uint16_t each) {
  Scores scores{};
  scores.fill(each);
  return scores;
}

inline EnvelopeFields good_fields() {
  EnvelopeFields fields;
  fields.kind = PayloadKind::query;
  fields.sender = "alice";
  fields.nonce = random_nonce();
  fields.timestamp_ms = kNowMs;
  fields.policy = policy_digest(kPolicyText);
  fields.scores = scores_of(9'700);
  fields.payload = R"({"content":"What is two and two?"})";
  return fields;
}

inline const crypto::SigningKey& alice() {
  static const crypto::SigningKey key = crypto::SigningKey::generate().value();
  return key;
}

inline std::string good_envelope() { return seal_envelope(good_fields(), alice()).value(); }

inline GatePolicy good_policy() {
  GatePolicyConfig config;
  config.policies = {policy_digest(kPolicyText)};
  return GatePolicy::from(config).value();
}

inline std::string flip(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

}  // namespace sovereign::pci
