#include "server/query/query_routes.h"

#include <utility>

#include "runtime/cache_policy.h"
#include "server/openai/answer_headers.h"
#include "server/openai/answer_stream.h"
#include "server/openai/backend_choice.h"
#include "server/openai/dispatch.h"
#include "server/openai/receipt_fields.h"
#include "server/query/envelope_admission.h"
#include "server/query/query_request.h"
#include "server/query/query_response.h"
#include "server/query/query_stream.h"

namespace sovereign::server {
namespace {

using openai::ApiContext;
using openai::ApiContextPtr;
using openai::ApiFailure;
using openai::TokenBatch;
using openai::TokenChannel;

struct StartedQuery {
  bool streamed;
  std::optional<Time> deadline;
  openai::ChosenBackend chosen;
};

// On a worker thread.
openai::outcome<StartedQuery> start_query(const ApiContextPtr& context, const HttpRequest& http,
                                          std::string_view body,
                                          const std::shared_ptr<TokenChannel>& channel) {
  const ApiContext& api = *context;
  const auto serving = api.serving.get();
  const auto limits = openai::request_limits(*serving);
  if (!limits) return openai::refuse(limits.error());
  auto request = parse_query_request(body, *limits);
  if (!request) return openai::refuse(request.error());
  auto sealed = openai::read_receipt_request(api, http, request->receipt, body, "query");
  if (!sealed) return openai::refuse(sealed.error());
  runtime::SovereignQuery& query = request->query;
  query.receipt = std::move(*sealed);
  openai::keep_local(*serving, api.shares_cache, query);
  if (query.id.empty()) query.id = http.request_id;
  runtime::apply_cache_control(http.header_list("Cache-Control"), query.cache);
  query.deadline = openai::deadline_of(api, request->timeout);
  const auto deadline = query.deadline;
  if (request->stream) channel->limit_backlog(api.config.max_unsent_bytes);
  channel->expect(1);
  auto chosen = openai::dispatch(context, http.key_digest, std::move(query), request->model, request->routing,
                                 channel->client(request->stream));
  if (!chosen) return openai::refuse(chosen.error());
  return StartedQuery{request->stream, deadline, std::move(*chosen)};
}

asio::awaitable<void> collect_query(Exchange& exchange, TokenChannel& channel) {
  const auto batch = co_await openai::whole_answer(channel);
  if (batch.abandoned) co_return;
  if (batch.failure) co_return co_await exchange.respond(to_response(ApiFailure(*batch.failure)));
  HttpResponse response;
  response.headers = openai::answer_headers(*batch.result);
  response.body = result_json(*batch.result, openai::unix_now());
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> handle_query(ApiContextPtr api, Exchange& exchange) {
  const auto channel = std::make_shared<TokenChannel>(exchange.executor());
  const openai::ChannelGuard guard(channel);
  exchange.on_disconnect([channel] { channel->abandon(); });
  const auto admitted =
      co_await on_worker(api->workers, [&] { return admit_query(api->envelopes, exchange.request()); });
  if (!admitted) co_return co_await exchange.respond(to_response(admitted.error()));
  const auto started = co_await on_worker(
      api->workers, [&] { return start_query(api, exchange.request(), *admitted, channel); });
  if (!started) co_return co_await exchange.respond(to_response(started.error()));
  if (started->deadline) channel->end_by(*started->deadline);
  if (!started->streamed) co_return co_await collect_query(exchange, *channel);
  QueryStream stream;
  co_await openai::stream_answer(api->workers, exchange, *channel, stream);
}

}  // namespace

void add_query_routes(Router& router, const openai::ApiContextPtr& api) {
  auto& route = api->http_metrics.add_route("POST", "/v1/query");
  Handler handler = [api](Exchange& exchange) { return handle_query(api, exchange); };
  router.add("POST", "/v1/query", Access::key,
             metered(route, api->clock, rate_limited(api->rate_gate, std::move(handler))));
}

}  // namespace sovereign::server
