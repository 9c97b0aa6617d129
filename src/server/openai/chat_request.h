// The body of POST /v1/chat/completions, read and checked.
#pragma once

#include <string_view>

#include "base/result.h"
#include "engine/chat_format.h"
#include "runtime/query.h"
#include "server/openai/generation_options.h"
#include "server/openai/routing_fields.h"

namespace sovereign::server::openai {

struct ChatRequest {
  GenerationOptions options;
  runtime::CachePolicy cache;
  bool receipt = false;  // a receipt is asked for
  RoutingFields routing;
  // Messages with text parts joined by newlines, and role 'developer' as 'system', which is what
  // models' templates know. The constraint (schema or grammar) is here, not in options.sampling.
  engine::ChatInput input;
};

// Pure. Errors: invalid_argument with the parameter's path; max_tokens 0 is one of them, as at OpenAI.
result<ChatRequest> parse_chat_request(std::string_view body, const RequestLimits& limits);

// All of it that decides the answer; what else a query has is left as it is.
void move_into_query(ChatRequest& request, runtime::SovereignQuery& query);

}  // namespace sovereign::server::openai
