// OpenSSL 3 marks its block-level interface deprecated in favour of EVP, which allocates per digest.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha2.h"

#include <openssl/sha.h>

#include <new>

namespace sovereign::crypto {
namespace {

template <class Context, std::size_t bytes>
Context* context_in(std::array<std::byte, bytes>& storage) {
  static_assert(sizeof(Context) <= bytes && alignof(Context) <= 8);
  return std::launder(reinterpret_cast<Context*>(storage.data()));
}

}  // namespace

Sha256Stream::Sha256Stream() noexcept { SHA256_Init(new (state_.data()) SHA256_CTX); }

void Sha256Stream::update(std::span<const std::byte> bytes) noexcept {
  SHA256_Update(context_in<SHA256_CTX>(state_), bytes.data(), bytes.size());
}

Digest Sha256Stream::finish() noexcept {
  Digest digest;
  SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), context_in<SHA256_CTX>(state_));
  return digest;
}

Sha512Stream::Sha512Stream() noexcept { SHA512_Init(new (state_.data()) SHA512_CTX); }

void Sha512Stream::update(std::span<const std::byte> bytes) noexcept {
  SHA512_Update(context_in<SHA512_CTX>(state_), bytes.data(), bytes.size());
}

Sha512Digest Sha512Stream::finish() noexcept {
  Sha512Digest digest;
  SHA512_Final(reinterpret_cast<unsigned char*>(digest.data()), context_in<SHA512_CTX>(state_));
  return digest;
}

}  // namespace sovereign::crypto
