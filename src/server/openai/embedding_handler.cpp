#include "server/openai/embedding_handler.h"

#include <fmt/format.h>

#include "server/openai/embedding_request.h"
#include "server/openai/embedding_response.h"
#include "server/openai/submission.h"

namespace sovereign::server::openai {
namespace {

// On a worker thread, which waits for the engine input by input.
outcome<std::string> embed(const ApiContext& api, const std::string& body) {
  const auto serving = api.serving.get();
  if (const auto any = find_model(*serving, {}); !any) return refuse(any.error());
  auto request = parse_embedding_request(body, serving->limits());
  if (!request) return refuse(request.error());
  const auto served = find_model(*serving, request->model);
  if (!served) return refuse(served.error());
  if (serving->models.size() > 1) {
    // Now that it is known whose vocabulary and context count.
    request = parse_embedding_request(body, (*served)->limits());
    if (!request) return refuse(request.error());
  }
  if (!(*served)->model->info().can_embed) {
    return refuse({Error{ErrorCode::unsupported,
                         fmt::format("The model '{}' generates text and is not made for embeddings; serve an "
                                     "embedding model instead.",
                                     (*served)->id),
                         "model"},
                   "model_does_not_support_embeddings"});
  }
  std::vector<std::vector<engine::Token>> inputs;
  std::uint64_t prompt_tokens = 0;
  for (const auto& input : request->inputs) {
    auto tokens = to_prompt(**served, input, false, "input");
    if (!tokens) return refuse(tokens.error());
    prompt_tokens += tokens->size();
    inputs.push_back(std::move(*tokens));
  }
  std::vector<std::vector<float>> vectors;
  for (auto& input : inputs) {
    auto vector = (*served)->engine->embed(std::move(input));
    if (!vector) return refuse(vector.error());
    vectors.push_back(std::move(*vector));
  }
  return embeddings_json((*served)->id, vectors, prompt_tokens, request->base64);
}

asio::awaitable<void> handle_embeddings(ApiContextPtr api, Exchange& exchange) {
  auto body = co_await on_worker(api->workers, [&] { return embed(*api, exchange.request().body); });
  if (!body) co_return co_await exchange.respond(to_response(body.error()));
  HttpResponse response;
  response.body = std::move(*body);
  co_await exchange.respond(std::move(response));
}

}  // namespace

Handler make_embedding_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return handle_embeddings(api, exchange); };
}

}  // namespace sovereign::server::openai
