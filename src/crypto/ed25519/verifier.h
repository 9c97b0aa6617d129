// Ed25519 verification, one at a time and in batches, with one rule for both: ZIP-215.
//
// A signature (R, s) of message M under key A is accepted when
//   1. s, 32 bytes little-endian, is under the group order L;
//   2. A and R decode to points of the curve: the low 255 bits, taken modulo p, are the y of a point; the top
//      bit chooses x. Encodings with y >= p, and x = 0 with the sign bit set, are accepted;
//   3. [8][s]B = [8]R + [8][k]A, where k = SHA-512(R || A || M) over the 32-byte encodings as they came.
// The factor 8 makes the rule the same alone and in a batch: what differs by a point of small order is
// accepted by both. libsodium and RFC 8032's stricter readings refuse some of these (small-order and
// non-canonical points); on signatures made by an honest signer all agree. Malleability: (R, s) with another
// encoding of R fails unless R is of small order, since k hashes the encoding.
//
// Batches: with random 128-bit z_i, [8]( [-sum z_i s_i]B + sum [z_i]R_i + sum [z_i k_i]A_i ) = 0 holds for
// every set of good signatures, and for one with a bad signature with chance 2^-128. The z_i are SHA-512 of
// the caller's seed and of all k_i and s_i, so that nobody who makes signatures can choose them to fit, even
// if the seed leaks. On failure the batch is halved until the bad ones are found, and what has been
// hashed and decoded is kept; when that has cost as much as verifying each alone, the rest is verified alone.
// Equal keys in a batch are summed first and cost once.
//
// Pure functions; thread-safe. Variable time: everything here is public.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/ed25519/backend.h"

namespace sovereign::crypto::ed25519 {

using PublicKey = std::array<std::byte, 32>;
using Signature = std::array<std::byte, 64>;
using BatchSeed = std::array<std::byte, 32>;

// A key's decoded point and tables, for keys that sign repeatedly. About 15 KB. Immutable.
class PublicKeyTable {
 public:
  // Nothing when the bytes are no point: no signature holds under such a key.
  static std::optional<PublicKeyTable> from(const PublicKey& key);

  const PublicKey& key() const { return key_; }
  const PointTable& multiples() const { return *multiples_; }

 private:
  PublicKeyTable(const PublicKey& key, std::shared_ptr<const PointTable> multiples)
      : key_(key), multiples_(std::move(multiples)) {}

  PublicKey key_;
  std::shared_ptr<const PointTable> multiples_;
};

// What is verified. The caller keeps everything alive during the call.
struct SignedMessage {
  std::string_view message;
  const PublicKey* key;
  const Signature* signature;
  const PublicKeyTable* table = nullptr;  // of this key, when there is one
};

// Allocates nothing.
bool verify(const SignedMessage& item, const Backend& backend = best_backend());

// The verdicts, in order. seed: fresh random bytes.
std::vector<bool> verify_batch(std::span<const SignedMessage> items, const BatchSeed& seed,
                               const Backend& backend = best_backend());

}  // namespace sovereign::crypto::ed25519
