#include "server/openai/embedding_handler.h"

#include <iterator>

#include "server/openai/embedding_request.h"
#include "server/openai/embedding_response.h"
#include "server/openai/relay.h"
#include "server/openai/submission.h"
#include "server/openai/tally.h"

namespace sovereign::server::openai {
namespace {

struct RunningEmbedding {
  std::string model;
  std::size_t inputs = 0;
  bool base64 = false;
  ServingPtr serving{};  // held until the end
};

// On a worker thread.
outcome<RunningEmbedding> start_embedding(const ApiContext& api, const std::string& body, const LocalAsk& ask,
                                          const std::shared_ptr<TokenChannel>& channel) {
  auto serving = api.serving.get();
  if (const auto any = find_model(*serving, {}); !any) return refuse(any.error());
  auto request = parse_embedding_request(body, serving->limits());
  if (!request) return refuse(request.error());
  const auto served = find_model(*serving, ask.model.empty() ? request->model : ask.model);
  if (!served) return refuse(served.error());
  if (serving->gateway != nullptr) {
    // Now that it is known whose vocabulary and context count.
    request = parse_embedding_request(body, (*served)->limits());
    if (!request) return refuse(request.error());
  }
  std::vector<std::vector<engine::Token>> inputs;
  for (const auto& input : request->inputs) {
    auto tokens = to_prompt(**served, input, false, "input");
    if (!tokens) return refuse(tokens.error());
    inputs.push_back(std::move(*tokens));
  }
  GenerationOptions options;
  options.embed = true;
  options.timeout = ask.timeout(request->timeout, api.clock.now());
  RunningEmbedding running{(*served)->id, inputs.size(), request->base64, std::move(serving)};
  if (auto failure = submit_all(api, **served, channel, std::move(inputs), options)) {
    if (failure->error.code == ErrorCode::unsupported) failure->code = "model_does_not_support_embeddings";
    return refuse(*failure);
  }
  return running;
}

asio::awaitable<void> handle_embeddings(ApiContextPtr api, Exchange& exchange, LocalAsk ask) {
  const auto channel = std::make_shared<TokenChannel>(exchange.executor());
  const ChannelGuard guard(channel);
  exchange.on_disconnect([channel] { channel->abandon(); });
  const auto running = co_await on_worker(
      api->workers, [&] { return start_embedding(*api, exchange.request().body, ask, channel); });
  if (!running) co_return co_await exchange.respond(to_response(running.error()));
  std::vector<std::vector<float>> vectors(running->inputs);
  Tally tally;
  for (bool done = false; !done;) {
    auto batch = co_await channel->next();
    if (batch.abandoned) co_return;
    done = batch.done;
    tally.add(batch);
    for (auto& delta : batch.deltas) {
      if (delta.choice < vectors.size()) vectors[delta.choice] = std::move(delta.embedding);
    }
  }
  if (const auto failure = tally.failure()) co_return co_await exchange.respond(to_response(*failure));
  HttpResponse response;
  response.body = co_await on_worker(api->workers, [&] {
    return embeddings_json(running->model, vectors, tally.usage().prompt_tokens, running->base64);
  });
  co_await exchange.respond(std::move(response));
}

}  // namespace

Handler make_embedding_handler(ApiContextPtr api) {
  return relayed(api, gateway::ApiRoute::embeddings, [api](Exchange& exchange, LocalAsk ask) {
    return handle_embeddings(api, exchange, std::move(ask));
  });
}

}  // namespace sovereign::server::openai
