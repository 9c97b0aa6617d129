// The cache key of a query: all that changes its answer, in one fixed order (key_encoder.h has the format).
//
// Not in the key: the query's id, deadline and cache policy, its receipt, and how the answer is delivered.
#pragma once

#include "cache/key_encoder.h"
#include "gateway/backend.h"
#include "runtime/answer_policy.h"
#include "runtime/query.h"

namespace sovereign::runtime {

// Fills the encoder, which is cleared first. Borrows texts of the query, the identity and the policy.
void encode_query(const SovereignQuery& query, const gateway::BackendIdentity& identity,
                  const AnswerPolicy& policy, cache::KeyEncoder& encoder);

}  // namespace sovereign::runtime
