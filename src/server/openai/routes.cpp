#include "server/openai/routes.h"

#include <utility>

#include "server/api_error.h"
#include "server/openai/chat_handler.h"
#include "server/openai/completion_handler.h"
#include "server/openai/embedding_handler.h"
#include "server/openai/model_handlers.h"

namespace sovereign::server::openai {

namespace {

// These forms have no envelope to come in.
asio::awaitable<void> refuse_unsigned(Exchange& exchange) {
  auto response = error_response(403,
                                 "This server answers signed queries only (envelopes.required): send them to "
                                 "/v1/query in an envelope.",
                                 "envelope_required");
  co_await exchange.respond(std::move(response));
}

}  // namespace

void add_openai_routes(Router& router, const ApiContextPtr& api) {
  const auto add = [&](std::string method, std::string pattern, Access access, Handler handler) {
    auto& route = api->http_metrics.add_route(method, pattern);
    router.add(std::move(method), std::move(pattern), access, metered(route, api->clock, std::move(handler)));
  };
  add("GET", "/", Access::open, make_welcome_handler(api));
  add("GET", "/v1/models", Access::key, make_model_list_handler(api));
  add("GET", "/v1/models/{}", Access::key, make_model_handler(api));
  const auto add_limited = [&](std::string pattern, Handler handler) {
    if (api->envelopes.required) handler = refuse_unsigned;
    add("POST", std::move(pattern), Access::key, rate_limited(api->rate_gate, std::move(handler)));
  };
  add_limited("/v1/chat/completions", make_chat_handler(api));
  add_limited("/v1/completions", make_completion_handler(api));
  add_limited("/v1/embeddings", make_embedding_handler(api));
}

}  // namespace sovereign::server::openai
