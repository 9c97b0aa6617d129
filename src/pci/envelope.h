// A signed envelope: who sends what, when, under which policy, with which scores. Read first in this folder.
//
// One fixed binary form, so that there is exactly one spelling of each envelope and reading it neither
// copies nor allocates. Integers are little-endian.
//
//   offset  bytes
//        0      8  "sovenv1\n"
//        8      4  payload bytes n, at most kMostPayloadBytes
//       12      2  payload kind, see PayloadKind
//       14      2  zero
//       16     32  sender: 1 to 32 of a-z 0-9 . _ -, then zeros
//       48     32  public key (Ed25519)
//       80     16  nonce, random; each key uses one once
//       96      8  timestamp, ms since 1970-01-01 UTC, under 2^53
//      104     32  digest of the policy that the sender follows
//      136     16  scores: eight of two bytes in the order of omega::Dimension, in 1/10,000; 65535:
//      unmeasured 152      n  payload
//  152 + n     64  Ed25519 signature of the 32-byte digest of all bytes before it
//
// The digest is domain-separated (crypto/digest.h): purpose "envelope", version 1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/digest.h"
#include "crypto/signing_key.h"
#include "omega/ihsan_vector.h"

namespace sovereign::pci {

inline constexpr crypto::DigestDomain kEnvelopeDomain{"envelope", 1};
inline constexpr std::size_t kEnvelopeHeaderBytes = 152;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kMostPayloadBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMostEnvelopeBytes = kEnvelopeHeaderBytes + kMostPayloadBytes + kSignatureBytes;
inline constexpr std::size_t kMostSenderBytes = 32;
inline constexpr std::uint64_t kTimestampEndMs = std::uint64_t{1} << 53;

using Nonce = std::array<std::byte, 16>;

enum class PayloadKind : std::uint16_t {
  query = 1,      // JSON, as POST /v1/query takes it
  answer = 2,     // JSON, as it gives it
  consensus = 3,  // a message between validators
};

// In 1/10,000, so that a threshold is compared exactly; rounded down, so that nothing passes by rounding.
inline constexpr std::uint16_t kScoreOne = 10'000;
inline constexpr std::uint16_t kScoreUnmeasured = 65'535;
using Scores = std::array<std::uint16_t, omega::kDimensions>;

Scores to_scores(const omega::IhsanVector& vector);
inline constexpr Scores kNoScores = [] {
  Scores scores{};
  scores.fill(kScoreUnmeasured);
  return scores;
}();

// An envelope in place. Refers to the bytes it was read from; cheap to copy.
class EnvelopeView {
 public:
  // Nothing unless the bytes are an envelope from the first to the last. Checks the form only.
  static std::optional<EnvelopeView> read(std::string_view bytes) noexcept;

  PayloadKind kind() const noexcept;
  std::string_view sender() const noexcept;
  const crypto::PublicKey& public_key() const noexcept;
  const Nonce& nonce() const noexcept;
  std::uint64_t timestamp_ms() const noexcept;
  const crypto::Digest& policy() const noexcept;
  Scores scores() const noexcept;
  std::string_view payload() const noexcept;
  const crypto::Signature& signature() const noexcept;

  std::string_view bytes() const noexcept { return bytes_; }
  // What is signed.
  crypto::Digest digest() const noexcept;

 private:
  explicit EnvelopeView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

struct EnvelopeFields {
  PayloadKind kind = PayloadKind::query;
  std::string_view sender;
  Nonce nonce{};
  std::uint64_t timestamp_ms = 0;
  crypto::Digest policy{};
  Scores scores = kNoScores;
  std::string_view payload;
};

// From the system's random source.
Nonce random_nonce();

// The signed bytes. Errors: invalid_argument, naming the field that does not fit.
result<std::string> seal_envelope(const EnvelopeFields& fields, const crypto::SigningKey& key);

}  // namespace sovereign::pci
