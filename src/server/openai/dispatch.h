// Starts a query: who answers it, and whether as control or as a canary's variant.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/query.h"
#include "runtime/query_client.h"
#include "server/openai/api_context.h"
#include "server/openai/backend_choice.h"

namespace sovereign::server::openai {

// Whether a query may be the variant's at all. With canary.models: when it asks for one of them by name.
// Else: always, unless the variant changes who answers and the query has a say in that itself (a model, a
// tier, require_local).
bool takes_part(const Canary& canary, const std::string& model, const RoutingFields& routing);

// What is assigned to an arm: the query (all that its cache key has but the backend), or its client: `client`
// is the digest of its key (HttpRequest::key_digest), empty where none is asked for.
std::uint64_t canary_unit(const Canary& canary, const runtime::SovereignQuery& query,
                          std::string_view client);

// Of a query that is answered as the configuration itself has it, before it starts.
using ControlHook = std::function<void(const runtime::SovereignQuery&, const ChosenBackend&)>;

// Starts it on this thread: a worker's. The client is told everything. Errors: of control, as
// choose_backend(); then the client is told nothing. `on_control` may be empty.
outcome<ChosenBackend> dispatch(const ApiContextPtr& api, std::string_view client_key,
                                runtime::SovereignQuery query, const std::string& model,
                                const RoutingFields& routing, std::shared_ptr<runtime::QueryClient> client,
                                const ControlHook& on_control = {});

}  // namespace sovereign::server::openai
