// What a receiver of envelopes accepts. Plain values; built once, then read by many threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pci/envelope.h"
#include "pci/rate_limiter.h"
#include "pci/replay_store.h"

namespace sovereign::pci {

// 0.95, the Ihsan threshold of MISSION.md 5.
inline constexpr std::uint16_t kIhsanMinimum = 9'500;

// The digest that an envelope names: of the policy's text (purpose "policy", version 1).
crypto::Digest policy_digest(std::string_view text);

struct KindRule {
  PayloadKind kind;
  // The least mean of the measured scores, in 1/10,000; with a minimum above 0, one must be measured.
  std::uint16_t ihsan_min = kIhsanMinimum;
};

struct KnownSender {
  std::string name;
  crypto::PublicKey public_key;
};

struct GatePolicyConfig {
  TimeWindow window;
  std::vector<crypto::Digest> policies;  // accepted; at least one
  std::vector<KindRule> kinds = {{PayloadKind::query}};
  std::vector<KnownSender> senders;  // empty: any key may send, under any name
};

class GatePolicy {
 public:
  // Errors: invalid_argument (no policy; a key or a kind twice; a key that is no point of the curve).
  static result<GatePolicy> from(const GatePolicyConfig& config);

  const TimeWindow& window() const { return window_; }
  // Policy, kind, and that the key belongs to the sender.
  bool accepts(const EnvelopeView& envelope) const noexcept;
  bool is_good_enough(const EnvelopeView& envelope) const noexcept;
  // The tables of a known sender's key, which verify twice as fast; null for others.
  const crypto::ed25519::PublicKeyTable* table_of(const crypto::PublicKey& key) const noexcept;

 private:
  struct Sender {
    std::string name;
    crypto::ed25519::PublicKeyTable table;
  };
  struct KeyHash {
    // Keys come from outside, but only known ones are in the table: nobody can crowd a bucket.
    std::size_t operator()(const crypto::PublicKey& key) const noexcept;
  };

  TimeWindow window_;
  std::vector<crypto::Digest> policies_;
  std::array<std::optional<std::uint16_t>, 4> ihsan_min_;  // by kind
  std::unordered_map<crypto::PublicKey, Sender, KeyHash> senders_;
};

}  // namespace sovereign::pci
