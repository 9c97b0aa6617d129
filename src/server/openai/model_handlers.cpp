#include "server/openai/model_handlers.h"

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

asio::awaitable<void> list_models(ApiContextPtr api, Exchange& exchange) {
  const auto served = api->models.get();
  HttpResponse response;
  response.body = R"({"object":"list","data":[)";
  if (served != nullptr) response.body += model_json(*served);
  response.body += "]}";
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> show_model(ApiContextPtr api, Exchange& exchange) {
  const auto& parameters = exchange.request().path_parameters;
  const auto served = find_model(*api, parameters.empty() ? std::string() : parameters.front());
  if (!served) co_return co_await exchange.respond(to_response(served.error()));
  HttpResponse response;
  response.body = model_json(**served);
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> welcome(ApiContextPtr api, Exchange& exchange) {
  const auto served = api->models.get();
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
