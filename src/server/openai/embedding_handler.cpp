#include "server/openai/embedding_handler.h"

#include <fmt/format.h>

#include "server/openai/embedding_request.h"
#include "server/openai/embedding_response.h"
#include "server/openai/embedding_wait.h"
#include "server/openai/submission.h"

namespace sovereign::server::openai {
namespace {

struct EmbeddingJob {
  ServingPtr serving;  // holds the model
  std::shared_ptr<const ServedModel> served;
  std::vector<std::vector<engine::Token>> inputs;
  std::uint64_t prompt_tokens = 0;
  bool base64 = false;
};

// On a worker thread.
outcome<EmbeddingJob> read_job(const ApiContext& api, const std::string& body) {
  EmbeddingJob job;
  job.serving = api.serving.get();
  if (const auto any = find_model(*job.serving, {}); !any) return refuse(any.error());
  auto request = parse_embedding_request(body, job.serving->limits());
  if (!request) return refuse(request.error());
  const auto served = find_model(*job.serving, request->model);
  if (!served) return refuse(served.error());
  job.served = *served;
  if (job.serving->models.size() > 1) {
    // Now that it is known whose vocabulary and context count.
    request = parse_embedding_request(body, job.served->limits());
    if (!request) return refuse(request.error());
  }
  if (!job.served->can_embed) {
    return refuse({Error{ErrorCode::unsupported,
                         fmt::format("The model '{}' generates text and is not made for embeddings; serve an "
                                     "embedding model instead.",
                                     job.served->id),
                         "model"},
                   "model_does_not_support_embeddings"});
  }
  for (const auto& input : request->inputs) {
    auto tokens = to_prompt(*job.served, input, false, "input");
    if (!tokens) return refuse(tokens.error());
    job.prompt_tokens += tokens->size();
    job.inputs.push_back(std::move(*tokens));
  }
  job.base64 = request->base64;
  return job;
}

asio::awaitable<void> handle_embeddings(ApiContextPtr api, Exchange& exchange) {
  const auto wait = std::make_shared<EmbeddingWait>(exchange.executor());
  const EmbeddingWaitGuard guard(wait);
  exchange.on_disconnect([wait] { wait->abandon(); });
  auto job = co_await on_worker(api->workers, [&] { return read_job(*api, exchange.request().body); });
  if (!job) co_return co_await exchange.respond(to_response(job.error()));
  std::optional<Time> deadline;
  if (api->config.request_timeout.count() > 0) deadline = api->clock.now() + api->config.request_timeout;
  auto& engine = *job->served->engine;
  std::vector<std::vector<float>> vectors;
  for (auto& input : job->inputs) {
    const auto id = engine.embed(std::move(input), deadline, wait->sink());
    auto vector = co_await wait->next();
    if (wait->abandoned()) {
      engine.cancel(id);
      co_return;
    }
    if (!vector) co_return co_await exchange.respond(to_response(vector.error()));
    vectors.push_back(std::move(*vector));
  }
  HttpResponse response;
  response.body = co_await on_worker(api->workers, [&] {
    return embeddings_json(job->served->id, vectors, job->prompt_tokens, job->base64);
  });
  co_await exchange.respond(std::move(response));
}

}  // namespace

Handler make_embedding_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return handle_embeddings(api, exchange); };
}

}  // namespace sovereign::server::openai
