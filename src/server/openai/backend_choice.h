// Which backend answers a request.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "gateway/backend.h"
#include "gateway/canary/assignment.h"
#include "runtime/query.h"
#include "server/openai/api_context.h"
#include "server/openai/generation_options.h"
#include "server/openai/routing_fields.h"

namespace sovereign::server::openai {

// What requests are read against. Errors: model_loading; with a gateway none.
outcome<RequestLimits> request_limits(const Serving& serving);

struct ChosenBackend {
  std::shared_ptr<gateway::Backend> backend;  // to be held until the answer is there
  ServingPtr serving;                         // likewise
  std::string id;                             // for "model" in the answer
  std::string fingerprint;
  Duration choosing{};               // how long it took
  std::shared_ptr<void> fallback{};  // holds who answers in its place, should that come to be
};

// Without a gateway: the embedded model, if it goes by that name. `arm`: for whom, control or a canary's
// variant. Errors: as find_model() and Gateway::route().
outcome<ChosenBackend> choose_backend(const ServingPtr& serving, const runtime::SovereignQuery& query,
                                      const std::string& model, const RoutingFields& routing,
                                      const Clock& clock, gateway::Arm arm = gateway::Arm::control);

// Whether the model that control would ask, were all well and idle, is the one in whose place the variant has
// another engine.
bool asks_replaced_engine(const Serving& serving, const runtime::SovereignQuery& query,
                          const std::string& model, const RoutingFields& routing);

// Where all queries must stay here, this one must. Such a query keeps away from a cache that other machines
// share.
void keep_local(const Serving& serving, bool shares_cache, runtime::SovereignQuery& query);

// The text of the last message of role user; empty when there is none. For guessing, so it forgives.
std::string last_user_text(std::string_view messages_json);

}  // namespace sovereign::server::openai
