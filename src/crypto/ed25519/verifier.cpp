#include "crypto/ed25519/verifier.h"

#include <cassert>
#include <utility>

#include "crypto/ed25519/batch.h"
#include "crypto/sha2.h"

namespace sovereign::crypto::ed25519 {

std::optional<PublicKeyTable> PublicKeyTable::from(const PublicKey& key) {
  const auto point = decompress(key);
  if (!point) return std::nullopt;
  return PublicKeyTable(key, std::make_shared<const PointTable>(*point));
}

bool verify(const SignedMessage& item, const Backend& backend) {
  assert(item.table == nullptr || item.table->key() == *item.key);
  const auto s = s_of(*item.signature);
  if (!s) return false;
  const PointTable* const table = item.table != nullptr ? &item.table->multiples() : nullptr;
  const EncodedPoint encodings[] = {item.signature->data(), item.key->data()};
  std::optional<AffinePoint> points[2];
  backend.decompress(std::span<const EncodedPoint>(encodings, table != nullptr ? 1 : 2), points);
  if (table != nullptr) points[1] = table->point;
  if (!points[0] || !points[1]) return false;
  return equation_holds(backend, *s, hash_of(item), *points[0], *points[1], table);
}

std::vector<bool> verify_batch(std::span<const SignedMessage> items, const BatchSeed& seed,
                               const Backend& backend) {
  Batch batch(items, backend);
  return batch.verdicts(seed);
}

}  // namespace sovereign::crypto::ed25519
