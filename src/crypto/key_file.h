// A signing key on disk: 152 bytes, readable and writable by its owner only (mode 0600, refused otherwise).
//
//   offset  bytes
//        0     16  "sovereign-key-1\n"
//       16     32  public key (RFC 8032)
//       48      1  protection: 0 none, 1 passphrase
//       49      3  zero
//       52      4  Argon2id passes, little-endian; zero without passphrase
//       56      8  Argon2id memory in bytes, little-endian, a multiple of 4096; zero without passphrase
//       64     16  Argon2id salt; zero without passphrase
//       80     24  XSalsa20-Poly1305 nonce; zero without passphrase
//      104     48  the seed, sealed: crypto_secretbox_easy(seed, nonce, key), which is 16 bytes of Poly1305
//      tag and
//                  32 of ciphertext, with key = Argon2id 1.3 (passphrase, salt, passes, memory, 1 lane, 32
//                  bytes). Without passphrase: the 32-byte seed and 16 zero bytes
//
// Any other content is refused as corrupt. A file is accepted when the public key that its seed gives is the
// one it states. Passes and memory are bounded, so that a foreign file cannot exhaust the machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "crypto/signing_key.h"

namespace sovereign::crypto {

// What a passphrase costs to try. The default is libsodium's 'moderate': about 0.7 s and 256 MB.
struct PassphraseCost {
  std::uint32_t passes = 3;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
};

inline constexpr std::size_t kKeyFileBytes = 152;
inline constexpr std::uint32_t kMostPasses = 64;
inline constexpr std::uint64_t kMostMemoryBytes = std::uint64_t{2} << 30;

// Writes a new file; an empty passphrase leaves the seed in the clear. Errors: already_exists (keys are never
// overwritten), invalid_argument (cost out of bounds), permission_denied, not_found, resource_exhausted.
result<void> save_key_file(const std::filesystem::path& path, const SigningKey& key,
                           std::string_view passphrase = {}, const PassphraseCost& cost = {});

// Errors: not_found; permission_denied (not a regular file of this user with mode 0600 or less);
// unauthenticated (a passphrase is missing or wrong); corrupt.
result<SigningKey> load_key_file(const std::filesystem::path& path, std::string_view passphrase = {});

// What can be told of a file without its passphrase; permissions are checked all the same.
struct KeyFileDescription {
  PublicKey public_key;
  bool has_passphrase;
};
result<KeyFileDescription> describe_key_file(const std::filesystem::path& path);

// The public key that a file states; needs no passphrase, and checks permissions all the same.
result<PublicKey> load_public_key(const std::filesystem::path& path);

}  // namespace sovereign::crypto
