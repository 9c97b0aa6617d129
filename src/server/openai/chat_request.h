// The body of POST /v1/chat/completions, read and checked.
#pragma once

#include <string_view>

#include "base/result.h"
#include "engine/chat_format.h"
#include "runtime/query.h"
#include "server/openai/generation_options.h"

namespace sovereign::server::openai {

struct ChatRequest {
  GenerationOptions options;
  runtime::CachePolicy cache;
  // Messages with text parts joined by newlines, and role 'developer' as 'system', which is what
  // models' templates know. The constraint (schema or grammar) is here, not in options.sampling.
  engine::ChatInput input;
};

// Pure. Errors: invalid_argument with the parameter's path; max_tokens 0 is one of them, as at OpenAI.
result<ChatRequest> parse_chat_request(std::string_view body, const RequestLimits& limits);

}  // namespace sovereign::server::openai
