#include "crypto/signing_key.h"

#include <fmt/format.h>
#include <sodium.h>

#include <cstdlib>

#include "base/sha256.h"

namespace sovereign::crypto {
namespace {

constexpr std::string_view kPublicKeyPrefix = "ed25519:";

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

// Without the library's random source and guarded memory no key may exist.
void require_sodium() {
  static const int status = sodium_init();
  if (status < 0) std::abort();
}

}  // namespace

void SecretBytes::Free::operator()(std::byte* bytes) const { sodium_free(bytes); }

result<SecretBytes> SecretBytes::allocate(std::size_t size) {
  require_sodium();
  auto* bytes = static_cast<std::byte*>(sodium_malloc(size));
  // sodium_malloc() asks for the lock too, and does not say when it was refused.
  const bool locked = bytes != nullptr && sodium_mlock(bytes, size) == 0;
  if (!locked) {
    sodium_free(bytes);
    return fail(ErrorCode::resource_exhausted,
                "no memory can be locked for a key, so that it could be written to swap: raise the limit "
                "(ulimit -l)");
  }
  return SecretBytes(bytes, size);
}

result<SigningKey> SigningKey::generate() {
  auto seed = SecretBytes::allocate(kSeedBytes);
  if (!seed) return fail(std::move(seed.error()));
  randombytes_buf(seed->bytes().data(), kSeedBytes);
  return from_seed(seed->bytes().first<kSeedBytes>());
}

result<SigningKey> SigningKey::from_seed(std::span<const std::byte, kSeedBytes> seed) {
  auto secret = SecretBytes::allocate(crypto_sign_SECRETKEYBYTES);
  if (!secret) return fail(std::move(secret.error()));
  PublicKey public_key;
  crypto_sign_seed_keypair(raw(public_key.data()), raw(secret->bytes().data()), raw(seed.data()));
  sodium_mprotect_readonly(secret->bytes().data());
  return SigningKey(std::move(*secret), public_key);
}

Signature SigningKey::sign(std::string_view message) const {
  Signature signature;
  crypto_sign_detached(raw(signature.data()), nullptr, reinterpret_cast<const unsigned char*>(message.data()),
                       message.size(), raw(secret_.bytes().data()));
  return signature;
}

std::span<const std::byte, kSeedBytes> SigningKey::seed() const {
  return secret_.bytes().first<kSeedBytes>();
}

std::string to_text(const PublicKey& key) { return std::string(kPublicKeyPrefix) + to_hex(key); }

result<PublicKey> public_key_from_text(std::string_view text) {
  PublicKey key;
  std::size_t size = 0;
  if (text.starts_with(kPublicKeyPrefix)) {
    const std::string_view hex = text.substr(kPublicKeyPrefix.size());
    const bool decoded =
        hex.size() == 2 * key.size() && hex.find_first_of("ABCDEF") == std::string_view::npos &&
        sodium_hex2bin(raw(key.data()), key.size(), hex.data(), hex.size(), nullptr, &size, nullptr) == 0;
    if (decoded && size == key.size()) return key;
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("a public key is '{}' and 64 lower-case hexadecimal digits", kPublicKeyPrefix));
}

}  // namespace sovereign::crypto
