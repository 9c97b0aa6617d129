// POST /v1/completions. The same course as a chat, without templates, and with several prompts.
#pragma once

#include "server/openai/api_context.h"

namespace sovereign::server::openai {

Handler make_completion_handler(ApiContextPtr api);

}  // namespace sovereign::server::openai
