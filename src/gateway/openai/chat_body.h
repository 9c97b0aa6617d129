// From a request to the body of POST /chat/completions. Pure.
#pragma once

#include <string>

#include "gateway/backend.h"
#include "gateway/openai/preset.h"

namespace sovereign::gateway {

// All of the body but the model's name, which may become known later: complete_body() puts it in front. The
// answer is asked for as a stream, with usage. Errors: unsupported (a grammar, or several choices, where the
// server has none; logit_bias where the client did not choose the server).
outcome<std::string> render_chat_body(const GenerateRequest& request, const Dialect& dialect);

}  // namespace sovereign::gateway
