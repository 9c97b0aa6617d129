// An Ed25519 signing key in memory that is locked, wiped when freed, and left out of core dumps (libsodium's
// guarded allocation). It is never printed: there is no way to get the secret out but save_key_file().
//
// Move-only. sign() may be called from many threads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/ed25519/verifier.h"

namespace sovereign::crypto {

using ed25519::PublicKey;
using ed25519::Signature;

inline constexpr std::size_t kSeedBytes = 32;

// Bytes in guarded memory. Errors: resource_exhausted when no memory can be locked (see ulimit -l; a page or
// two for each secret): none is kept in memory that could be swapped out.
class SecretBytes {
 public:
  static result<SecretBytes> allocate(std::size_t size);

  std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const;
  };
  SecretBytes(std::byte* bytes, std::size_t size) : bytes_(bytes), size_(size) {}

  std::unique_ptr<std::byte[], Free> bytes_;
  std::size_t size_;
};

class SigningKey {
 public:
  // From the system's random source.
  static result<SigningKey> generate();
  // From the 32-byte secret of RFC 8032.
  static result<SigningKey> from_seed(std::span<const std::byte, kSeedBytes> seed);

  const PublicKey& public_key() const { return public_key_; }
  Signature sign(std::string_view message) const;
  // The 32-byte secret, for key files only.
  std::span<const std::byte, kSeedBytes> seed() const;

 private:
  SigningKey(SecretBytes secret, const PublicKey& public_key)
      : secret_(std::move(secret)), public_key_(public_key) {}

  SecretBytes secret_;  // seed, then public key, as libsodium has it
  PublicKey public_key_;
};

// "ed25519:" and 64 lower-case hexadecimal digits.
std::string to_text(const PublicKey& key);
result<PublicKey> public_key_from_text(std::string_view text);

}  // namespace sovereign::crypto
