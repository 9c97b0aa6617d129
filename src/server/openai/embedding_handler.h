// POST /v1/embeddings: an error that says so where the model is not made for it.
#pragma once

#include "server/openai/api_context.h"

namespace sovereign::server::openai {

Handler make_embedding_handler(ApiContextPtr api);

}  // namespace sovereign::server::openai
