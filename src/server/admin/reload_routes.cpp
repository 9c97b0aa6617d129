#include "server/admin/reload_routes.h"

#include <boost/json.hpp>
#include <utility>

#include "server/api_error.h"

namespace sovereign::server {
namespace {

namespace json = boost::json;

json::array to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

HttpResponse answer(const result<ReloadReport>& report) {
  if (!report) return error_response(report.error());
  HttpResponse response;
  json::object body;
  body["applied"] = to_json(report->applied);
  body["needs_restart"] = to_json(report->needs_restart);
  response.body = json::serialize(body);
  return response;
}

asio::awaitable<void> handle_reload(WorkerPool& pool, std::shared_ptr<const Reload> reload,
                                    Exchange& exchange) {
  HttpResponse response = co_await on_worker(pool, [&] { return answer((*reload)()); });
  co_await exchange.respond(std::move(response));
}

}  // namespace

void add_reload_route(Router& router, const openai::ApiContext& api, WorkerPool& pool, Reload reload) {
  auto& route = api.http_metrics.add_route("POST", "/admin/reload");
  const auto shared = std::make_shared<const Reload>(std::move(reload));
  Handler handler = [&pool, shared](Exchange& exchange) { return handle_reload(pool, shared, exchange); };
  router.add("POST", "/admin/reload", Access::admin, metered(route, api.clock, std::move(handler)));
}

}  // namespace sovereign::server
