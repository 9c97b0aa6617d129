// Signatures, keys and points that the Ed25519 tests share.
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "crypto/ed25519/verifier.h"

namespace sovereign::crypto::ed25519 {

struct Sample {
  std::string message;
  PublicKey key;
  Signature signature;
  bool good;
  std::string name;

  SignedMessage item() const { return {message, &key, &signature}; }
};

inline std::string bytes_from_hex(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  std::size_t size = 0;
  sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), hex.data(), hex.size(),
                 nullptr, &size, nullptr);
  return bytes;
}

template <std::size_t size>
std::array<std::byte, size> array_from(std::string_view bytes) {
  std::array<std::byte, size> out{};
  std::memcpy(out.data(), bytes.data(), std::min(size, bytes.size()));
  return out;
}

inline unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
inline const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
inline const unsigned char* raw(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Signed by libsodium with a key made from `signer`.
inline Sample honest(std::uint64_t signer, std::string message) {
  unsigned char seed[32] = {};
  std::memcpy(seed, &signer, sizeof signer);
  unsigned char secret[64];
  Sample sample{std::move(message), {}, {}, true, "honest"};
  crypto_sign_seed_keypair(raw(sample.key.data()), secret, seed);
  crypto_sign_detached(raw(sample.signature.data()), nullptr, raw(sample.message), sample.message.size(),
                       secret);
  return sample;
}

inline BatchSeed random_seed(std::mt19937_64& random) {
  BatchSeed seed;
  for (auto& byte : seed) byte = static_cast<std::byte>(random());
  return seed;
}

// Every 32 bytes that decode to a point of order 1, 2, 4 or 8: the eight points, each in all its spellings (y
// and y + p where that fits 255 bits; both sign bits where x is zero). Derived here from a point of order 8.
inline std::vector<std::array<std::byte, 32>> small_order_encodings() {
  // L times a point of the curve outside the prime-order group leaves its part of small order.
  ExtendedPoint torsion = kIdentity;
  for (unsigned char y = 2; y < 200; ++y) {
    std::array<std::byte, 32> bytes{std::byte{y}};
    const auto point = decompress(bytes);
    if (!point) continue;
    const Scalar order_less_one = negate(Scalar{{1, 0, 0, 0}});
    const Term term{order_less_one, &*point, nullptr, false};
    torsion = add(portable_backend().straus({&term, 1}), to_cached(*point), false);
    if (!is_identity(double_times(torsion, 2))) break;
  }
  std::vector<std::array<std::byte, 32>> encodings;
  ExtendedPoint multiple = kIdentity;
  for (int i = 0; i < 8; ++i, multiple = add(multiple, to_cached(torsion), false)) {
    auto canonical = compress(multiple);
    const bool x_is_zero = is_zero(multiple.x);
    std::vector<std::array<std::byte, 32>> spellings{canonical};
    // y + p has 255 bits when y < 19.
    std::array<std::byte, 32> low = canonical;
    low[31] &= std::byte{0x7F};
    bool tiny = low[0] < std::byte{19};
    for (std::size_t at = 1; at < 32; ++at) tiny = tiny && low[at] == std::byte{0};
    if (tiny) {
      std::array<std::byte, 32> longer;
      longer.fill(std::byte{0xFF});
      longer[0] = static_cast<std::byte>(std::to_integer<int>(low[0]) + 0xED);
      longer[31] = std::byte{0x7F} | (canonical[31] & std::byte{0x80});
      spellings.push_back(longer);
    }
    for (auto spelling : spellings) {
      encodings.push_back(spelling);
      if (!x_is_zero) continue;
      spelling[31] ^= std::byte{0x80};
      encodings.push_back(spelling);
    }
  }
  return encodings;
}

}  // namespace sovereign::crypto::ed25519
