// The OpenAI-compatible API's routes. docs/openapi.yaml describes them.
#pragma once

#include "server/openai/api_context.h"
#include "server/router.h"

namespace sovereign::server::openai {

// All need a key, when keys are configured, but for the welcome at "/".
void add_openai_routes(Router& router, const ApiContextPtr& api);

}  // namespace sovereign::server::openai
