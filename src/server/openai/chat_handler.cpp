#include "server/openai/chat_handler.h"

#include <utility>

#include "runtime/cache_policy.h"
#include "runtime/query_key.h"
#include "runtime/stages/cache_lookup.h"
#include "server/openai/answer_headers.h"
#include "server/openai/answer_stream.h"
#include "server/openai/backend_choice.h"
#include "server/openai/chat_request.h"
#include "server/openai/chat_response.h"
#include "server/openai/chat_stream.h"
#include "server/openai/dispatch.h"
#include "server/openai/ready_answer.h"
#include "server/openai/receipt_fields.h"

namespace sovereign::server::openai {
namespace {

// Up to here an answer is written on the io thread: a few microseconds, less than a change of threads.
constexpr std::size_t kInlineTextBytes = 16 * 1024;

// Up to here a request for another server is read and sent on by the io thread, for the same reason.
constexpr std::size_t kInlineRequestBytes = 8 * 1024;

struct StartedChat {
  ChatDelivery delivery;
  std::optional<Time> deadline;
  ChosenBackend chosen;
};

ResponseHead make_head(const std::string& model, const std::string& fingerprint) {
  return {make_id("chatcmpl-"), unix_now(), model, fingerprint};
}

// The result knows who answered in the end.
std::string chat_body(const ChatDelivery& delivery, const runtime::SovereignResult& result) {
  const bool found = result.cached.status == runtime::CacheNote::Status::hit;
  return chat_completion_json(make_head(result.model_used, result.fingerprint), result.choices,
                              found ? usage_of_found(result) : result.usage, delivery.with_logprobs,
                              result.receipt.get());
}

bool is_small(const runtime::SovereignResult& result, const ChatDelivery& delivery) {
  std::size_t bytes = 0;
  for (const auto& choice : result.choices) bytes += choice.message.content.size();
  return bytes <= kInlineTextBytes && !delivery.with_logprobs;
}

runtime::SovereignQuery make_query(const ApiContext& api, const HttpRequest& http, ChatRequest& request) {
  runtime::SovereignQuery query;
  query.id = http.request_id;
  move_into_query(request, query);
  runtime::apply_cache_control(http.header_list("Cache-Control"), query.cache);
  query.deadline = deadline_of(api, request.options.timeout);
  return query;
}

// Requests whose answers may be in the cache are answered faster the next time.
void remember(const ApiContext& api, const HttpRequest& http, const runtime::SovereignQuery& query,
              const gateway::BackendIdentity& identity, const ChatDelivery& delivery) {
  if (api.memo == nullptr || api.serving.get()->gateway != nullptr || query.cache.age_limit) return;
  // The body is kept too: not of who wants nothing kept.
  const auto plan = runtime::plan_cache(query, identity);
  if (!plan.lookup || !plan.store) return;
  if (query.receipt) return;  // each of its answers is sealed
  thread_local cache::KeyEncoder encoder;
  const auto pipeline = api.pipeline.get();
  runtime::encode_query(query, identity, pipeline->policy(), encoder);
  api.memo->remember(http.body, identity, pipeline->policy(), delivery, encoder.key());
  encoder.clear();  // it borrowed from the query
}

// Nothing is tokenized, and nothing waited for.
bool is_quickly_started(const ApiContext& api, const HttpRequest& http) {
  if (http.body.size() > kInlineRequestBytes || api.canary != nullptr) return false;
  const auto serving = api.serving.get();
  return serving->gateway != nullptr && !serving->embedded && !api.pipeline.get()->waits();
}

// On a worker thread, but where is_quickly_started().
outcome<StartedChat> start_chat(const ApiContextPtr& context, const HttpRequest& http,
                                const std::shared_ptr<TokenChannel>& channel) {
  const ApiContext& api = *context;
  const auto serving = api.serving.get();
  const auto limits = request_limits(*serving);
  if (!limits) return refuse(limits.error());
  auto request = parse_chat_request(http.body, *limits);
  if (!request) return refuse(request.error());

  const auto& options = request->options;
  const ChatDelivery delivery{options.stream, options.include_usage, options.sampling.top_logprobs >= 0,
                              options.n};
  auto sealed = read_receipt_request(api, http, request->receipt, http.body, "chat");
  if (!sealed) return refuse(sealed.error());
  auto query = make_query(api, http, *request);
  query.receipt = std::move(*sealed);
  keep_local(*serving, api.shares_cache, query);
  const auto deadline = query.deadline;
  if (delivery.stream) channel->limit_backlog(api.config.max_unsent_bytes);
  channel->expect(1);
  auto chosen = dispatch(context, http.key_digest, std::move(query), options.model, request->routing,
                         channel->client(delivery.stream),
                         [&](const runtime::SovereignQuery& control, const ChosenBackend& answers) {
                           remember(api, http, control, answers.backend->identity(), delivery);
                         });
  if (!chosen) return refuse(chosen.error());
  return StartedChat{delivery, deadline, std::move(*chosen)};
}

asio::awaitable<void> collect_chat(const ApiContext& api, Exchange& exchange, TokenChannel& channel,
                                   const StartedChat& chat) {
  const auto batch = co_await whole_answer(channel);
  if (batch.abandoned) co_return;
  if (batch.failure) co_return co_await exchange.respond(to_response(ApiFailure(*batch.failure)));
  const auto& result = *batch.result;
  HttpResponse response;
  response.headers = answer_headers(result);
  if (is_small(result, chat.delivery)) {
    response.body = chat_body(chat.delivery, result);
  } else {
    response.body = co_await on_worker(api.workers, [&] { return chat_body(chat.delivery, result); });
  }
  co_await exchange.respond(std::move(response));
}

struct FoundChat {
  std::shared_ptr<const ServedModel> served;
  ChatDelivery delivery;
  runtime::SovereignResult result;
  std::optional<HttpResponse> ready;  // all of it, and then `result` is empty
};

// On the io thread: an answer in memory to a request that came before. Says nothing when there is none, or
// when the request's headers want to have a say.
std::optional<FoundChat> find_at_once(const ApiContext& api, const HttpRequest& http) {
  if (api.memo == nullptr || !http.header_list("Cache-Control").empty()) return std::nullopt;
  if (api.receipts.mode == runtime::ReceiptMode::always || names_receipts(http)) return std::nullopt;
  // What was remembered are answers of control; where the arm goes by the client, the bytes do not say whose
  // it is.
  if (api.canary != nullptr) {
    const auto phase = api.canary->trial->phase();
    if (phase == gateway::CanaryPhase::promoted) return std::nullopt;
    if (phase == gateway::CanaryPhase::running && api.canary->by_client) return std::nullopt;
  }
  // What a request's bytes lead to is certain only where one model answers all.
  const auto serving = api.serving.get();
  if (serving->gateway != nullptr || serving->models.size() != 1) return std::nullopt;
  auto served = serving->models.front();
  const auto remembered =
      api.memo->find(http.body, served->backend->identity(), api.pipeline.get()->policy());
  if (!remembered) return std::nullopt;
  const auto hit = api.cache->find_in_memory(remembered->key, cache::wall_now());
  if (!hit) return std::nullopt;
  FoundChat found{std::move(served), remembered->delivery, {}, {}};
  if (const auto ready = remembered->ready_for(*hit->entry); !ready.empty()) {
    found.ready = to_response(read_ready(ready), hit->age);
    return found;
  }
  if (!runtime::take_hit(*hit, {}, found.result)) return std::nullopt;
  found.result.model_used = found.served->id;
  found.result.fingerprint = found.served->fingerprint;
  if (!is_small(found.result, found.delivery)) return std::nullopt;
  if (!found.delivery.stream) {
    if (const auto ready = make_ready(found.result, found.delivery.with_logprobs)) {
      api.memo->keep_ready(*remembered, *hit->entry, *ready);
    }
  }
  return found;
}

asio::awaitable<void> answer_found(Exchange& exchange, FoundChat found) {
  if (found.ready) co_return co_await exchange.respond(std::move(*found.ready));
  if (!found.delivery.stream) {
    HttpResponse response;
    response.headers = answer_headers(found.result);
    response.body = chat_body(found.delivery, found.result);
    co_return co_await exchange.respond(std::move(response));
  }
  ChatStream stream(make_head(found.served->id, found.served->fingerprint), found.delivery.n,
                    found.delivery.include_usage, found.delivery.with_logprobs);
  TokenBatch batch;
  batch.result = std::make_shared<const runtime::SovereignResult>(std::move(found.result));
  batch.done = true;
  auto headers = answer_headers(*batch.result);
  auto payloads = stream.absorb(std::move(batch));
  if (!co_await exchange.begin_events(std::move(headers))) co_return;
  if (!co_await exchange.send_events(std::move(payloads))) co_return;
  co_await exchange.end_events();
}

asio::awaitable<void> handle_chat(ApiContextPtr api, Exchange& exchange) {
  if (auto found = find_at_once(*api, exchange.request())) {
    co_return co_await answer_found(exchange, std::move(*found));
  }
  const auto channel = std::make_shared<TokenChannel>(exchange.executor());
  const ChannelGuard guard(channel);
  exchange.on_disconnect([channel] { channel->abandon(); });
  outcome<StartedChat> chat;
  if (is_quickly_started(*api, exchange.request())) {
    chat = start_chat(api, exchange.request(), channel);
  } else {
    chat = co_await on_worker(api->workers, [&] { return start_chat(api, exchange.request(), channel); });
  }
  if (!chat) co_return co_await exchange.respond(to_response(chat.error()));
  if (chat->deadline) channel->end_by(*chat->deadline);
  if (!chat->delivery.stream) co_return co_await collect_chat(*api, exchange, *channel, *chat);
  const auto& delivery = chat->delivery;
  ChatStream stream(make_head(chat->chosen.id, chat->chosen.fingerprint), delivery.n, delivery.include_usage,
                    delivery.with_logprobs);
  co_await stream_answer(api->workers, exchange, *channel, stream);
}

}  // namespace

Handler make_chat_handler(ApiContextPtr api) {
  return [api = std::move(api)](Exchange& exchange) { return handle_chat(api, exchange); };
}

}  // namespace sovereign::server::openai
