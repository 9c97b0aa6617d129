// Receipts that this server gave out: who signs them, and each again by its id.
//
//   GET /v1/receipts        {"object": "sovereign.receipts", "issuer", "mode", "size"}
//   GET /v1/receipts/{id}   the receipt without openings, with a proof under a head of now
//   GET /v1/receipts/consistency?from=N&to=M
//                           that the log of N receipts grew to that of M (of all there are, without `to`)
//
// The salts are not kept, so what is told here says nothing about the texts. Ids hold 128 random bits: who
// does not know one cannot read along by counting.
#pragma once

#include "server/openai/api_context.h"
#include "server/router.h"

namespace sovereign::server {

void add_receipt_routes(Router& router, const openai::ApiContextPtr& api);

}  // namespace sovereign::server
