// What a log shows to whom holds an older head of it: that it only grew since (RFC 9162, 2.1.4).
//
// As JSON: {"from": size, "head": {…}, "object": "sovereign.consistency", "path": [digests], "to": size}.
// `path` leads from the tree of `from` receipts to that of `to`; `head` is signed, and of the log as it was
// when asked: of `to` receipts, unless another `to` was asked for. The roots are those of the heads that the
// holder has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/tree_head.h"

namespace sovereign::pci {

struct ConsistencyProof {
  std::uint64_t from_size = 0;
  std::uint64_t to_size = 0;
  std::vector<crypto::Digest> path;
  crypto::SignedTreeHead head;
};

std::string to_json(const ConsistencyProof& proof);
// Errors: invalid_argument, saying which member is missing, unknown or of the wrong form.
result<ConsistencyProof> consistency_from_json(std::string_view text);

}  // namespace sovereign::pci
