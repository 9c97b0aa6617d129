// Text completions and embeddings before the gateway: who is to answer, a server elsewhere or a model in this
// process, and the way of a server's answer to the client. docs/gateway.md describes the behaviour.
//
// A server's answer is neither cached, assessed nor sealed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "gateway/api_route.h"
#include "server/openai/api_context.h"

namespace sovereign::server::openai {

// What is settled about a request that a model in this process answers.
struct LocalAsk {
  std::string model;                  // by its id; empty: as the request says
  std::optional<Time> deadline = {};  // of a request that has waited for others; none: as the request says

  // The client's own timeout, or what is left of it.
  std::optional<std::chrono::milliseconds> timeout(std::optional<std::chrono::milliseconds> own,
                                                   Time now) const;
};

using LocalHandler = std::function<asio::awaitable<void>(Exchange&, LocalAsk)>;

// A handler of that route. Without a gateway `local` answers everything.
Handler relayed(ApiContextPtr api, gateway::ApiRoute route, LocalHandler local);

}  // namespace sovereign::server::openai
