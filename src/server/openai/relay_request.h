// The body of a text completion or of embeddings, as far as the gateway has to know it: who is to answer, and
// by when. All else is the answering server's to read and to check.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/relay.h"
#include "server/openai/routing_fields.h"

namespace sovereign::server::openai {

struct RelayRequest {
  std::string model;
  RoutingFields routing;
  std::optional<std::chrono::milliseconds> timeout;
  bool stream = false;
  std::string
      names_tokens;  // the field that names tokens by number, which only one vocabulary has; empty: none
};

// Pure. Errors: invalid_argument with the parameter's name.
result<RelayRequest> read_relay_request(std::string_view body, gateway::ApiRoute route);

// What goes to the server: the body as the client wrote it, but for the model and the fields that are for
// this server alone (timeout, tier, require_local, cache, cache_ttl, receipt). Of a body that was read.
std::shared_ptr<const gateway::Relay> make_relay(std::string_view body, const RelayRequest& request,
                                                 gateway::ApiRoute route);

}  // namespace sovereign::server::openai
