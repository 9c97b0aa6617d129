#include "server/openai/model_handlers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

std::vector<gateway::MemberView> remote_members(const Serving& serving) {
  if (serving.gateway == nullptr) return {};
  auto members = serving.gateway->view();
  std::erase_if(members, [](const auto& member) { return member.embedded; });
  return members;
}

asio::awaitable<void> list_models(ApiContextPtr api, Exchange& exchange) {
  const auto serving = api->serving.get();
  HttpResponse response;
  response.body = R"({"object":"list","data":[)";
  bool first = true;
  const auto add = [&](const std::string& json) {
    if (!std::exchange(first, false)) response.body += ',';
    response.body += json;
  };
  for (const auto& served : serving->models) add(model_json(*served));
  for (const auto& member : remote_members(*serving)) add(model_json(member));
  response.body += "]}";
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> show_model(ApiContextPtr api, Exchange& exchange) {
  const auto& parameters = exchange.request().path_parameters;
  const std::string name = parameters.empty() ? std::string() : parameters.front();
  const auto serving = api->serving.get();
  for (const auto& member : remote_members(*serving)) {
    const bool offered = std::find(member.offers.begin(), member.offers.end(), name) != member.offers.end();
    if (member.name != name && member.model != name && !offered) continue;
    HttpResponse found;
    found.body = model_json(member);
    co_return co_await exchange.respond(std::move(found));
  }
  const auto served = find_model(*serving, name);
  if (!served) co_return co_await exchange.respond(to_response(served.error()));
  HttpResponse response;
  response.body = model_json(**served);
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> welcome(ApiContextPtr api, Exchange& exchange) {
  const auto served = api->serving.get()->find({});
  HttpResponse response;
  response.body = R"({"name":"Sovereign Runtime","api":"/v1","model":)";
  if (served != nullptr) {
    append_json_string(response.body, served->id);
  } else {
    response.body += "null";
  }
  response.body +=
      R"(,"routes":["/v1/chat/completions","/v1/completions","/v1/embeddings","/v1/models","/healthz","/readyz","/metrics"],"docs":"docs/openapi.yaml"})";
  co_await exchange.respond(std::move(response));
}

}  // namespace

std::string model_json(const ServedModel& served) {
  const auto& info = served.model->info();
  std::string out = "{\"id\":";
  append_json_string(out, served.id);
  out += ",\"object\":\"model\",\"created\":";
  append_json_number(out, served.created);
  out += ",\"owned_by\":\"sovereign\",\"meta\":{\"description\":";
  append_json_string(out, info.description);
  const auto field = [&](std::string_view name, std::uint64_t value) {
    out += ",\"";
    out += name;
    out += "\":";
    append_json_number(out, value);
  };
  field("n_vocab", info.vocabulary_size);
  field("n_ctx", served.engine->context_tokens());
  field("n_ctx_train", info.train_context_tokens);
  field("n_embd", info.embedding_size);
  field("n_params", info.parameters);
  field("size", info.bytes);
  out += "}}";
  return out;
}

std::string model_json(const gateway::MemberView& member) {
  std::string out = "{\"id\":";
  append_json_string(out, member.name);
  out += ",\"object\":\"model\",\"created\":0,\"owned_by\":\"backend\",\"meta\":{\"tier\":\"";
  out += to_string(member.tier);
  out += "\",\"status\":\"";
  out += to_string(member.status);
  out += "\",\"model\":";
  append_json_string(out, member.model);
  const auto list = [&](std::string_view name, const std::vector<std::string>& texts) {
    out += ",\"";
    out += name;
    out += "\":[";
    for (const auto& text : texts) {
      if (&text != &texts.front()) out += ',';
      append_json_string(out, text);
    }
    out += ']';
  };
  list("aliases", member.aliases);
  list("offers", member.offers);
  out += "}}";
  return out;
}

Handler make_model_list_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return list_models(api, exchange); };
}

Handler make_model_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return show_model(api, exchange); };
}

Handler make_welcome_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return welcome(api, exchange); };
}

}  // namespace sovereign::server::openai
