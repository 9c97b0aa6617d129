// Receipts as clients ask for them (docs/proof.md has the receipt itself):
//
//   request   X-Sovereign-Receipt: true, or "receipt": true in the body
//   response  "receipt": {…}, in a stream within the last event that is not the usage
#pragma once

#include <optional>
#include <string_view>

#include "runtime/query.h"
#include "server/openai/api_context.h"

namespace sovereign::server::openai {

// Whether the header speaks of receipts at all.
bool names_receipts(const HttpRequest& http);

// What to seal, when a receipt is to be made. `in_body`: the body asks for it; `text`: the request's JSON;
// `form`: how that is read.
// Errors: unsupported (no receipts are made here), invalid_argument (the header is neither true nor false).
outcome<std::optional<runtime::ReceiptRequest>> read_receipt_request(const ApiContext& api,
                                                                     const HttpRequest& http, bool in_body,
                                                                     std::string_view text,
                                                                     std::string_view form);

// For endpoints whose answers are not sealed. Errors: unsupported when the header asks for a receipt, or no
// answer may go without.
outcome<void> refuse_receipt(const ApiContext& api, const HttpRequest& http);

}  // namespace sovereign::server::openai
