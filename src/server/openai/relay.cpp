#include "server/openai/relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "server/openai/receipt_fields.h"
#include "server/openai/relay_answer_text.h"
#include "server/openai/relay_request.h"
#include "server/openai/relay_sink.h"

namespace sovereign::server::openai {
namespace {

using gateway::ApiRoute;

// Up to here a request is read, and an answer written, on the io thread: less than a change of threads takes.
constexpr std::size_t kInlineBytes = 16 * 1024;

struct Asked {
  RelayRequest request;
  gateway::GenerateRequest call;  // of servers elsewhere
};

outcome<Asked> read(const ApiContext& api, const HttpRequest& http, ApiRoute route) {
  if (route == ApiRoute::completions) {
    if (const auto none = refuse_receipt(api, http); !none) return refuse(none.error());
  }
  auto request = read_relay_request(http.body, route);
  if (!request) return refuse(request.error());
  Asked asked{std::move(*request), {}};
  asked.call.relay = make_relay(http.body, asked.request, route);
  asked.call.whole = !asked.request.stream;
  asked.call.deadline = deadline_of(api, asked.request.timeout);
  return asked;
}

outcome<gateway::RelayRoute> find_route(const Serving& serving, const Asked& asked) {
  const RelayRequest& request = asked.request;
  gateway::RouteQuestion question;
  question.model = request.model;
  question.tier = request.routing.tier;
  question.require_local = request.routing.require_local;
  question.api = asked.call.relay->route;
  // In most clients' requests the prompt is the first thing behind the model.
  question.prefix_hash =
      gateway::hash_prefix(asked.call.relay->rest, serving.gateway->routing().prefix_bytes);
  auto route = serving.gateway->relay_route(question);
  if (!route) return refuse(route.error());
  const bool any_vocabulary = gateway::names_nobody(request.model) && !request.names_tokens.empty();
  if (route->remote != nullptr && any_vocabulary) {
    return refuse(
        Error{ErrorCode::unsupported,
              fmt::format("'{}' names tokens of a vocabulary: name the model that it is for, in 'model'.",
                          request.names_tokens),
              request.names_tokens});
  }
  return *route;
}

// The first model in this process, where there is one, answers those who leave it open.
bool is_left_open(const RelayRequest& request) {
  return gateway::names_nobody(request.model) && !gateway::tier_of(request.model) && !request.routing.tier;
}

asio::awaitable<std::optional<gateway::Failure>> pass_whole(const ApiContext& api, Exchange& exchange,
                                                            TokenChannel& channel, std::string model) {
  std::string body;
  for (bool done = false; !done;) {
    auto batch = co_await channel.next();
    if (batch.abandoned) co_return std::nullopt;
    if (batch.failure) co_return batch.failure;
    if (batch.beginning && !batch.beginning->model_used.empty()) model = batch.beginning->model_used;
    for (auto& delta : batch.deltas) body = std::move(delta.text);
    done = batch.done;
  }
  HttpResponse response;
  if (body.size() <= kInlineBytes) {
    response.body = relayed_body(body, model);
  } else {
    response.body = co_await on_worker(api.workers, [&] { return relayed_body(body, model); });
  }
  co_await exchange.respond(std::move(response));
  co_return std::nullopt;
}

asio::awaitable<std::optional<gateway::Failure>> pass_events(Exchange& exchange, TokenChannel& channel,
                                                             std::string model) {
  bool begun = false;
  while (true) {
    auto batch = co_await channel.next();
    if (batch.abandoned) co_return std::nullopt;
    if (!begun && batch.failure) co_return batch.failure;
    if (batch.beginning && !batch.beginning->model_used.empty()) model = batch.beginning->model_used;
    std::vector<std::string> payloads;
    for (const auto& delta : batch.deltas) payloads.push_back(relayed_event(delta.text, model));
    if (batch.failure) payloads.push_back(to_event(ApiFailure(*batch.failure)));
    if (batch.done) payloads.emplace_back("[DONE]");
    if (payloads.empty()) continue;
    if (!begun && !co_await exchange.begin_events()) co_return std::nullopt;
    begun = true;
    if (!co_await exchange.send_events(std::move(payloads))) co_return std::nullopt;
    if (!batch.done) continue;
    co_await exchange.end_events();
    co_return std::nullopt;
  }
}

// Asks those elsewhere. Gives why there is no answer, as long as the client was told nothing.
asio::awaitable<std::optional<gateway::Failure>> ask_remote(const ApiContext& api, Exchange& exchange,
                                                            std::shared_ptr<gateway::Backend> remote,
                                                            gateway::GenerateRequest call) {
  const auto channel = std::make_shared<TokenChannel>(exchange.executor());
  const ChannelGuard guard(channel);
  exchange.on_disconnect([channel] { channel->abandon(); });
  const bool stream = call.relay->stream;
  const auto deadline = call.deadline;
  if (stream) channel->limit_backlog(api.config.max_unsent_bytes);
  channel->expect(1);
  const auto id = remote->generate(std::move(call), std::make_shared<RelaySink>(channel->client(true)));
  if (!id) co_return id.error();
  channel->attach([weak = std::weak_ptr(remote), number = *id] {
    if (const auto alive = weak.lock()) alive->cancel(number);
  });
  if (deadline) channel->end_by(*deadline);
  const std::string model = remote->identity().model;
  if (stream) co_return co_await pass_events(exchange, *channel, model);
  co_return co_await pass_whole(api, exchange, *channel, model);
}

asio::awaitable<void> answer(ApiContextPtr api, Exchange& exchange, ApiRoute route, LocalHandler local) {
  const auto serving = api->serving.get();
  if (serving->gateway == nullptr) co_return co_await local(exchange, LocalAsk());
  const HttpRequest& http = exchange.request();
  outcome<Asked> asked;
  if (http.body.size() <= kInlineBytes) {
    asked = read(*api, http, route);
  } else {
    asked = co_await on_worker(api->workers, [&] { return read(*api, http, route); });
  }
  if (!asked) co_return co_await exchange.respond(to_response(asked.error()));
  if (serving->embedded && is_left_open(asked->request)) co_return co_await local(exchange, LocalAsk());
  while (true) {
    const auto way = find_route(*serving, *asked);
    if (!way) co_return co_await exchange.respond(to_response(way.error()));
    LocalAsk here;
    here.model = way->embedded;
    if (way->remote == nullptr) co_return co_await local(exchange, std::move(here));
    const auto failure = co_await ask_remote(*api, exchange, way->remote, asked->call);
    if (!failure) co_return;
    // All of them lack the route, and are known for it now: the next way leads elsewhere, or nowhere.
    if (failure->reason == gateway::kRouteMissing) continue;
    here.deadline = asked->call.deadline;
    const bool too_late = here.deadline && api->clock.now() >= *here.deadline;
    if (here.model.empty() || too_late || !gateway::may_pass_on(*failure)) {
      co_return co_await exchange.respond(to_response(ApiFailure(*failure)));
    }
    co_return co_await local(exchange, std::move(here));
  }
}

}  // namespace

std::optional<std::chrono::milliseconds> LocalAsk::timeout(std::optional<std::chrono::milliseconds> own,
                                                           Time now) const {
  if (!deadline) return own;
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(*deadline - now, Duration::zero()));
}

Handler relayed(ApiContextPtr api, gateway::ApiRoute route, LocalHandler local) {
  return [api = std::move(api), route, local = std::move(local)](Exchange& exchange) {
    return answer(api, exchange, route, local);
  };
}

}  // namespace sovereign::server::openai
