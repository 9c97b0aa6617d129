// The working state of verify_batch(): what each signature decodes to, and the checks over ranges of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crypto/ed25519/verifier.h"

namespace sovereign::crypto::ed25519 {

class Batch {
 public:
  // Hashes and decodes every item.
  Batch(std::span<const SignedMessage> items, const Backend& backend);

  std::vector<bool> verdicts(const BatchSeed& seed);

 private:
  struct Entry {
    Scalar s;
    Scalar k;  // SHA-512(R || A || M) modulo L
    Scalar z;  // its weight, under 2^128
    std::uint32_t item;
    std::uint32_t key;  // index into keys_
  };
  struct Key {
    const AffinePoint* point;
    const PointTable* table;  // may be null
  };

  void gather_keys();
  void set_weights(const BatchSeed& seed);
  bool hold_together(std::size_t begin, std::size_t end);
  bool holds_alone(const Entry& entry) const;
  void settle(std::size_t begin, std::size_t end, bool known_bad, std::vector<bool>& verdicts);

  std::span<const SignedMessage> items_;
  const Backend& backend_;
  std::vector<Entry> entries_;                          // those with a good s and decodable points
  std::vector<std::optional<AffinePoint>> r_;           // per item
  std::vector<std::optional<AffinePoint>> key_points_;  // per distinct key, when it has no table
  std::vector<Key> keys_;                               // distinct
  std::vector<std::uint32_t> key_of_item_;
  std::vector<Term> terms_;           // scratch
  std::vector<Scalar> key_scalars_;   // scratch
  std::vector<bool> key_in_range_;    // scratch
  std::size_t checked_together_ = 0;  // signatures put through hold_together() so far
};

// k = SHA-512(R || A || M) modulo L.
Scalar hash_of(const SignedMessage& item) noexcept;
// The s of a signature; nothing when it is L or more.
std::optional<Scalar> s_of(const Signature& signature) noexcept;
// [8][s]B = [8]R + [8][k]A. `table` of A, or null.
bool equation_holds(const Backend& backend, const Scalar& s, const Scalar& k, const AffinePoint& r,
                    const AffinePoint& a, const PointTable* table);

}  // namespace sovereign::crypto::ed25519
