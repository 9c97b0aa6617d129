#include "crypto/tree_head.h"

#include <bit>
#include <cstring>

#include "crypto/digest.h"

namespace sovereign::crypto {
namespace {

static_assert(std::endian::native == std::endian::little, "integers are signed as they lie in memory");
static_assert(sizeof(TreeHead) == 64, "no padding");

std::string_view text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Digest digest_of(const TreeHead& head) {
  char bytes[sizeof head];
  std::memcpy(bytes, &head, sizeof head);
  return digest_of(DigestDomain{"tree-head", 1}, {bytes, sizeof bytes});
}

SignedTreeHead sign_tree_head(const TreeHead& head, const SigningKey& key) {
  return {head, key.sign(text_of(digest_of(head)))};
}

bool verify_tree_head(const SignedTreeHead& signed_head, const PublicKey& key) {
  const Digest digest = digest_of(signed_head.head);
  return ed25519::verify({text_of(digest), &key, &signed_head.signature});
}

}  // namespace sovereign::crypto
