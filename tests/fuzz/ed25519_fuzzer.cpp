// Input: 1 byte of choices, 32 of key, 64 of signature, the message. Alone, in a batch, with a table of its
// key, and on every backend, a signature has one verdict; and what libsodium's stricter rule accepts, ours
// accepts. Which backend an input meets beside the portable one is among its choices, so that more inputs are
// tried.
#include <sodium.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "crypto/ed25519/verifier.h"

namespace {

using namespace sovereign::crypto::ed25519;

void require(bool holds) {
  if (!holds) std::abort();
}

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

struct Signed {
  std::string message;
  PublicKey key;
  Signature signature;
};

Signed honest(std::uint8_t signer, std::string message) {
  unsigned char seed[32] = {signer};
  unsigned char secret[64];
  Signed made{std::move(message), {}, {}};
  crypto_sign_seed_keypair(raw(made.key.data()), secret, seed);
  crypto_sign_detached(raw(made.signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(made.message.data()), made.message.size(),
                       secret);
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t header = 1 + 32 + 64;
  if (size < header) return 0;
  const std::uint8_t choices = data[0];
  Signed tried{std::string(reinterpret_cast<const char*>(data) + header, size - header), {}, {}};
  if ((choices & 1) != 0) {
    // An honest signature with the input's bits flipped in it, mostly zeros.
    tried = honest(choices, tried.message);
    for (std::size_t i = 0; i < 32; ++i) tried.key[i] ^= static_cast<std::byte>(data[1 + i]);
    for (std::size_t i = 0; i < 64; ++i) tried.signature[i] ^= static_cast<std::byte>(data[33 + i]);
  } else {
    std::memcpy(tried.key.data(), data + 1, 32);
    std::memcpy(tried.signature.data(), data + 33, 64);
  }
  static const Signed filler = honest(77, "filler");
  const SignedMessage item{tried.message, &tried.key, &tried.signature};
  const SignedMessage other{filler.message, &filler.key, &filler.signature};
  BatchSeed seed{};
  seed[0] = static_cast<std::byte>(choices);

  const bool verdict = verify(item, portable_backend());
  const bool libsodium =
      crypto_sign_verify_detached(raw(tried.signature.data()),
                                  reinterpret_cast<const unsigned char*>(tried.message.data()),
                                  tried.message.size(), raw(tried.key.data())) == 0;
  require(verdict || !libsodium);
  static const std::vector<const Backend*> backends = available_backends();
  const Backend& backend = *backends[static_cast<std::size_t>(choices >> 1) % backends.size()];
  const SignedMessage batch[] = {item, other, item};
  require(verify_batch(batch, seed, backend) == std::vector<bool>{verdict, true, verdict});
  SignedMessage with_table = item;
  const auto table = PublicKeyTable::from(tried.key);
  if (table) with_table.table = &*table;
  require(verify(with_table, backend) == verdict);
  return 0;
}
