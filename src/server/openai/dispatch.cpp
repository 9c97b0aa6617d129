#include "server/openai/dispatch.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "gateway/canary/assignment.h"
#include "runtime/cache_policy.h"
#include "runtime/canary/canary_client.h"
#include "runtime/query_key.h"

namespace sovereign::server::openai {
namespace {

using gateway::Arm;

// The backend that a variant's query fell back to; the handler holds it until the answer is there. The client
// of a run must not: engines hold their runs, and must not be ended by their own threads.
struct Held {
  std::mutex mutex;
  std::shared_ptr<gateway::Backend> backend;
  ServingPtr serving;
};

struct Asking {
  runtime::SovereignQuery query;  // as control would have it
  std::string model;
  RoutingFields routing;
};

// Starts the query over as control's. On a worker.
void ask_control(const std::weak_ptr<const ApiContext>& weak, const std::weak_ptr<Held>& held, Asking asking,
                 const std::shared_ptr<runtime::QueryClient>& client) {
  const auto api = weak.lock();
  if (api == nullptr) return client->on_failure({ErrorCode::unavailable, "The server is ending.", {}});
  auto chosen = choose_backend(api->serving.get(), asking.query, asking.model, asking.routing, api->clock);
  if (!chosen) {
    gateway::Failure failure(chosen.error().error);
    failure.reason = chosen.error().code;
    failure.details = chosen.error().details;
    failure.retry_after = chosen.error().retry_after;
    return client->on_failure(failure);
  }
  if (const auto holder = held.lock()) {
    const std::lock_guard lock(holder->mutex);
    holder->backend = chosen->backend;
    holder->serving = chosen->serving;
  }
  api->pipeline.get()->start(std::move(asking.query), chosen->backend, client, chosen->choosing);
}

// Whether control would have found its answer: then the variant, whose keys are its own and few, would be
// compared by queries that control never computes.
bool is_known_to_control(const ApiContext& api, const Asking& asking) {
  if (api.cache == nullptr) return false;
  const auto chosen =
      choose_backend(api.serving.get(), asking.query, asking.model, asking.routing, api.clock);
  if (!chosen) return false;
  const auto& identity = chosen->backend->identity();
  if (!runtime::plan_cache(asking.query, identity).lookup) return false;
  thread_local cache::KeyEncoder encoder;
  const auto pipeline = api.pipeline.get();
  runtime::encode_query(asking.query, identity, pipeline->policy(), encoder);
  const auto hash = encoder.key().hash();
  encoder.clear();  // it borrowed from the query
  return api.cache->peek(hash, cache::wall_now()).has_value();
}

// Nothing when the variant has nobody to answer.
std::optional<ChosenBackend> start_variant(const ApiContextPtr& api, Asking& asking,
                                           const std::shared_ptr<runtime::QueryClient>& client) {
  const Canary& canary = *api->canary;
  runtime::SovereignQuery query = asking.query;
  runtime::apply_overlay(canary.overlay, query);
  RoutingFields routing = asking.routing;
  if (canary.overlay.tier) routing.tier = canary.overlay.tier;
  const std::string& model = canary.overlay.model.empty() ? asking.model : canary.overlay.model;
  // What it adds to the query must not send it elsewhere.
  auto chosen = choose_backend(api->serving.get(), canary.overlay.routes() ? query : asking.query, model,
                               routing, api->clock, Arm::variant);
  if (!chosen) return std::nullopt;
  const bool counts = !is_known_to_control(*api, asking);
  if (!counts) canary.trial->count_uncounted(Arm::variant);
  const auto held = std::make_shared<Held>();
  auto fallback = [weak = std::weak_ptr<const ApiContext>(api), weak_held = std::weak_ptr(held),
                   kept = std::make_shared<Asking>(std::move(asking))](
                      const std::shared_ptr<runtime::QueryClient>& again) {
    const auto alive = weak.lock();
    if (alive == nullptr) return again->on_failure({ErrorCode::unavailable, "The server is ending.", {}});
    alive->pipeline.get()->post([=] { ask_control(weak, weak_held, std::move(*kept), again); });
  };
  auto watched = std::make_shared<runtime::CanaryClient>(canary.trial, Arm::variant, counts, api->clock,
                                                         query.deadline, client, std::move(fallback));
  canary.pipeline->start(std::move(query), chosen->backend, std::move(watched), chosen->choosing);
  chosen->fallback = held;
  return std::move(*chosen);
}

// With an engine of its own, and nothing else of who answers, the variant is compared where control would ask
// the engine that it replaces.
bool meets_engine(const ApiContext& api, const Asking& asking) {
  const auto& overlay = api.canary->overlay;
  if (!overlay.engine || overlay.routes()) return true;
  return asks_replaced_engine(*api.serving.get(), asking.query, asking.model, asking.routing);
}

}  // namespace

bool takes_part(const Canary& canary, const std::string& model, const RoutingFields& routing) {
  const bool routes = canary.overlay.routes();
  if (routes && (routing.require_local || routing.tier)) return false;
  if (!canary.models.empty()) {
    return std::find(canary.models.begin(), canary.models.end(), model) != canary.models.end();
  }
  return !routes || model.empty() || model == gateway::kAutoModel;
}

std::uint64_t canary_unit(const Canary& canary, const runtime::SovereignQuery& query,
                          std::string_view client) {
  if (canary.by_client && !client.empty()) return gateway::hash_text(client);
  thread_local cache::KeyEncoder encoder;
  static const gateway::BackendIdentity nobody;
  static const runtime::AnswerPolicy none;
  runtime::encode_query(query, nobody, none, encoder);
  const std::uint64_t unit = encoder.key().hash().low;
  encoder.clear();
  return unit;
}

outcome<ChosenBackend> dispatch(const ApiContextPtr& api, std::string_view client_key,
                                runtime::SovereignQuery query, const std::string& model,
                                const RoutingFields& routing, std::shared_ptr<runtime::QueryClient> client,
                                const ControlHook& on_control) {
  const Canary* const canary = api->canary.get();
  Asking asking{std::move(query), model, routing};
  const bool part = canary != nullptr && canary->trial->phase() != gateway::CanaryPhase::rolled_back &&
                    takes_part(*canary, model, routing) && meets_engine(*api, asking);
  Arm arm = Arm::control;
  if (part) arm = canary->trial->arm_for(canary_unit(*canary, asking.query, client_key));
  if (arm == Arm::variant) {
    if (auto started = start_variant(api, asking, client)) return std::move(*started);
  }
  auto chosen = choose_backend(api->serving.get(), asking.query, model, routing, api->clock);
  // Where control has nobody either, that says nothing about the variant.
  if (!chosen) return refuse(chosen.error());
  if (arm == Arm::variant) {
    canary->trial->count_taken_over();
    if (is_known_to_control(*api, asking)) {
      canary->trial->count_uncounted(arm);
    } else {
      gateway::Observation seen;
      seen.arm = arm;
      seen.failed = true;
      canary->trial->observe(seen, canary->trial->round());
    }
  } else if (part) {
    client = std::make_shared<runtime::CanaryClient>(canary->trial, arm, true, api->clock,
                                                     asking.query.deadline, std::move(client), nullptr);
  }
  if (on_control) on_control(asking.query, *chosen);
  api->pipeline.get()->start(std::move(asking.query), chosen->backend, std::move(client), chosen->choosing);
  return chosen;
}

}  // namespace sovereign::server::openai
