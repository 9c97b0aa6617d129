// GET /v1/models and /v1/models/{id}, and a word of welcome at /.
#pragma once

#include "gateway/fleet.h"
#include "server/openai/api_context.h"

namespace sovereign::server::openai {

Handler make_model_list_handler(ApiContextPtr api);
Handler make_model_handler(ApiContextPtr api);
Handler make_welcome_handler(ApiContextPtr api);

// One entry of the list: OpenAI's fields, and under "meta" what llama-server's users look for.
std::string model_json(const ServedModel& served);
// Of a backend of the gateway: its name is what clients ask for, "meta" says what it is.
std::string model_json(const gateway::MemberView& member);

}  // namespace sovereign::server::openai
