// POST /v1/query: a SovereignQuery in, a SovereignResult out, whole or streamed.
#pragma once

#include "server/openai/api_context.h"
#include "server/router.h"

namespace sovereign::server {

void add_query_routes(Router& router, const openai::ApiContextPtr& api);

}  // namespace sovereign::server
