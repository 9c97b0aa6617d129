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
  Batch batch({&item, 1}, backend);
  return batch.holds_alone(0);
}

std::vector<bool> verify_batch(std::span<const SignedMessage> items, const BatchSeed& seed,
                               const Backend& backend) {
  Batch batch(items, backend);
  return batch.verdicts(seed);
}

}  // namespace sovereign::crypto::ed25519
