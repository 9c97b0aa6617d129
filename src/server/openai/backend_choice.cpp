#include "server/openai/backend_choice.h"

#include <boost/json/parse.hpp>

#include "gateway/complexity.h"
#include "gateway/gateway.h"
#include "runtime/prompt.h"

namespace sovereign::server::openai {
namespace {

gateway::RouteQuestion make_question(const gateway::RoutingConfig& config,
                                     const runtime::SovereignQuery& query, const std::string& model,
                                     const RoutingFields& routing) {
  gateway::RouteQuestion question;
  question.model = model;
  question.tier = routing.tier;
  question.require_local = routing.require_local;
  const bool is_chat = query.content.empty();
  const std::string messages = is_chat ? std::string() : runtime::compose_messages(query);
  const std::string& conversation = is_chat ? query.chat.messages_json : messages;
  question.prefix_hash = gateway::hash_prefix(conversation, config.prefix_bytes);
  const bool undecided = !routing.tier && (model.empty() || model == gateway::kAutoModel);
  if (!undecided) return question;
  const std::string asked = is_chat ? last_user_text(conversation) : query.content;
  gateway::QueryTraits traits;
  traits.question = asked;
  traits.conversation_bytes = conversation.size();
  traits.max_tokens = query.max_tokens;
  traits.has_tools = !query.chat.tools_json.empty();
  traits.has_format = !query.chat.json_schema.empty() || !query.chat.grammar.empty();
  traits.require_reasoning = query.require_reasoning;
  question.complexity = gateway::estimate_complexity(traits);
  return question;
}

}  // namespace

outcome<RequestLimits> request_limits(const Serving& serving) {
  if (serving.gateway == nullptr && serving.models.empty()) {
    return refuse(serving.embedded ? model_loading() : no_embedded_model());
  }
  return serving.limits();
}

outcome<ChosenBackend> choose_backend(const ServingPtr& serving, const runtime::SovereignQuery& query,
                                      const std::string& model, const RoutingFields& routing,
                                      const Clock& clock, gateway::Arm arm) {
  const Time began = clock.now();
  if (serving->gateway == nullptr) {
    const auto served = find_model(*serving, model);
    if (!served) return refuse(served.error());
    return ChosenBackend{(*served)->backend, serving, (*served)->id, (*served)->fingerprint,
                         clock.now() - began};
  }
  const auto& gateway = serving->gateway;
  auto question = make_question(gateway->routing(), query, model, routing);
  question.variant = arm == gateway::Arm::variant;
  auto route = gateway->route(question);
  if (!route) return refuse(route.error());
  const auto& identity = (*route)->identity();
  return ChosenBackend{*route, serving, identity.model, identity.fingerprint, clock.now() - began};
}

bool asks_replaced_engine(const Serving& serving, const runtime::SovereignQuery& query,
                          const std::string& model, const RoutingFields& routing) {
  const auto& gateway = serving.gateway;
  return gateway != nullptr &&
         gateway->prefers_replaced(make_question(gateway->routing(), query, model, routing));
}

void keep_local(const Serving& serving, bool shares_cache, runtime::SovereignQuery& query) {
  query.require_local = query.require_local || serving.require_local;
  if (query.require_local && shares_cache) query.cache.mode = runtime::CacheMode::off;
}

std::string last_user_text(std::string_view messages_json) {
  std::error_code error;
  const json::value messages =
      json::parse(json::string_view(messages_json.data(), messages_json.size()), error);
  if (error || !messages.is_array()) return {};
  const auto& list = messages.get_array();
  for (auto message = list.rbegin(); message != list.rend(); ++message) {
    if (!message->is_object()) continue;
    const auto* role = message->get_object().if_contains("role");
    const auto* content = message->get_object().if_contains("content");
    if (role != nullptr && *role == "user" && content != nullptr && content->is_string()) {
      return std::string(content->get_string());
    }
  }
  return {};
}

}  // namespace sovereign::server::openai
