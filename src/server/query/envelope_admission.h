// POST /v1/query with a signed envelope in place of the bare JSON: Content-Type
// application/vnd.sovereign.envelope, the body as pci/envelope.h has it, its payload the query's JSON.
//
// What the gates say becomes a status; the code's name stands in the error's `code`:
//   400 REJECT_SCHEMA, REJECT_TIMESTAMP_STALE, REJECT_TIMESTAMP_FUTURE   401 REJECT_SIGNATURE
//   403 REJECT_POLICY_MISMATCH   409 REJECT_NONCE_REPLAY   422 REJECT_IHSAN_BELOW_MIN
//   429 REJECT_RATE_LIMITED   503 REJECT_REPLAY_STORE_FULL, REJECT_REPLAY_STORE_UNAVAILABLE
#pragma once

#include <string_view>

#include "server/openai/api_context.h"

namespace sovereign::server {

// What is wrong with an envelope, as its sender is told.
struct EnvelopeRefusal {
  unsigned status;
  std::string message;
  std::string code;
};
HttpResponse to_response(const EnvelopeRefusal& refusal);

// The query's JSON: the payload of an envelope that passed all gates, or the bare body. The text belongs to
// the request. A verdict takes up to some 100 µs: on a worker.
tl::expected<std::string_view, EnvelopeRefusal> admit_query(const openai::EnvelopeService& envelopes,
                                                            const HttpRequest& http);

}  // namespace sovereign::server
