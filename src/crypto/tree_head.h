// A signed tree head: "at this time, the log with this id had this many entries and this root".
//
// What is signed: the 32-byte digest (purpose "tree-head", version 1) of 64 bytes:
// log id, 16; size, 8; time in ms since 1970-01-01 UTC, 8; root, 32. Integers are little-endian.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/merkle_hash.h"
#include "crypto/signing_key.h"

namespace sovereign::crypto {

using LogId = std::array<std::byte, 16>;

struct TreeHead {
  LogId log_id{};
  std::uint64_t size = 0;
  std::uint64_t timestamp_ms = 0;
  Digest root{};
};

struct SignedTreeHead {
  TreeHead head;
  Signature signature{};
};

Digest digest_of(const TreeHead& head);
SignedTreeHead sign_tree_head(const TreeHead& head, const SigningKey& key);
bool verify_tree_head(const SignedTreeHead& signed_head, const PublicKey& key);

}  // namespace sovereign::crypto
