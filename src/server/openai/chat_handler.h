// POST /v1/chat/completions: a query without reasoning.
//
// A request that came before, and whose answer is in memory, is answered on the io thread, without reading
// its JSON again. Else, on a worker thread: parse, then the pipeline. Tokens come through a TokenChannel and
// are answered whole or streamed. Errors before the first token have a status of their own; a failure in
// mid-stream is an event with OpenAI's error object, then [DONE].
#pragma once

#include "server/openai/api_context.h"

namespace sovereign::server::openai {

Handler make_chat_handler(ApiContextPtr api);

}  // namespace sovereign::server::openai
