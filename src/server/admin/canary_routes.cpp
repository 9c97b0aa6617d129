#include "server/admin/canary_routes.h"

#include <boost/json.hpp>

#include "server/api_error.h"
#include "server/openai/fields.h"

namespace sovereign::server {
namespace {

namespace json = boost::json;
using runtime::ArmCounts;
using runtime::CanaryTrial;
using Change = result<void> (CanaryTrial::*)(const std::string& by, const std::string& why);

constexpr std::size_t kMaxReasonBytes = 1024;

json::object describe(const ArmCounts& counts) {
  return {{"answered", counts.answered},
          {"failed", counts.failed},
          {"left", counts.left},
          {"uncounted", counts.uncounted},
          {"taken_over", counts.taken_over}};
}

json::object describe(const gateway::MetricView::Side& side, bool is_time) {
  json::object described{{"count", side.count}, {"mean", side.mean}};
  if (is_time) {
    described["median"] = side.median;
    described["p90"] = side.p90;
  }
  return described;
}

json::object metric_json(const gateway::MetricView& view) {
  const bool is_time = static_cast<std::size_t>(view.metric) < gateway::kTimes;
  return {{"metric", std::string(to_string(view.metric))},
          {"measured", view.measured()},
          {"control", describe(view.control, is_time)},
          {"variant", describe(view.variant, is_time)},
          {"worse_evidence", view.worse},
          {"fine_evidence", view.fine}};
}

json::object describe(const gateway::CanaryEvent& event) {
  return {{"event", std::string(to_string(event.kind))},
          {"at_ms", event.at_ms},
          {"by", event.by},
          {"why", event.why},
          {"controls", event.controls},
          {"variants", event.variants}};
}

HttpResponse answer(const CanaryTrial& trial) {
  HttpResponse response;
  response.body = canary_json(trial.view());
  return response;
}

result<std::string> read_reason(const HttpRequest& request) {
  if (request.body.empty()) return std::string();
  auto object = openai::parse_object(request.body);
  if (!object) return fail(std::move(object.error()));
  openai::Fields fields(*object);
  std::string reason;
  fields.read("reason", reason);
  if (reason.size() > kMaxReasonBytes) fields.refuse("reason", "may have at most 1024 bytes");
  if (fields.error()) return fail(*fields.error());
  return reason;
}

HttpResponse change(CanaryTrial& trial, const HttpRequest& request, Change to) {
  auto reason = read_reason(request);
  if (!reason) return error_response(reason.error());
  const auto changed = (trial.*to)("admin", *reason);
  return changed ? answer(trial) : error_response(changed.error());
}

// Changes wait for the disk: on a worker.
template <class Work>
Handler on_trial(WorkerPool& workers, std::shared_ptr<CanaryTrial> trial, Work work) {
  return [&workers, trial = std::move(trial), work](Exchange& exchange) -> asio::awaitable<void> {
    // Both are copied into the frame; the router's copy of this function may not be referred to.
    return [](WorkerPool& pool, std::shared_ptr<CanaryTrial> of, Work own,
              Exchange& on) -> asio::awaitable<void> {
      HttpResponse response = co_await on_worker(pool, [&] { return own(*of, on.request()); });
      co_await on.respond(std::move(response));
    }(workers, trial, work, exchange);
  };
}

Handler no_canary() {
  return [](Exchange& exchange) -> asio::awaitable<void> {
    return exchange.respond(
        error_response({ErrorCode::not_found, "This server runs no canary (canary.name).", {}}));
  };
}

}  // namespace

std::string canary_json(const runtime::CanaryView& view) {
  json::array metrics;
  for (const auto& metric : view.metrics) metrics.push_back(metric_json(metric));
  json::array story;
  for (const auto& event : view.story) story.push_back(describe(event));
  return json::serialize(
      json::object{{"name", view.name},
                   {"phase", std::string(to_string(view.phase))},
                   {"share", view.share},
                   {"margin", view.margin},
                   {"alpha", view.alpha},
                   {"started_ms", view.started_ms},
                   {"looks", view.looks},
                   {"compared", {{"control", view.controls}, {"variant", view.variants}}},
                   {"queries", {{"control", describe(view.control)}, {"variant", describe(view.variant)}}},
                   {"save_failures", view.save_failures},
                   {"metrics", std::move(metrics)},
                   {"story", std::move(story)}});
}

void add_canary_routes(Router& router, const openai::ApiContext& api) {
  const auto add = [&](std::string method, std::string pattern, auto work) {
    auto& route = api.http_metrics.add_route(method, pattern);
    Handler handler =
        api.canary == nullptr ? no_canary() : on_trial(api.workers, api.canary->trial, std::move(work));
    router.add(std::move(method), std::move(pattern), Access::admin,
               metered(route, api.clock, std::move(handler)));
  };
  add("GET", "/admin/canary", [](CanaryTrial& trial, const HttpRequest&) { return answer(trial); });
  const auto add_change = [&](std::string pattern, Change to) {
    add("POST", std::move(pattern),
        [to](CanaryTrial& trial, const HttpRequest& request) { return change(trial, request, to); });
  };
  add_change("/admin/canary/promote", &CanaryTrial::promote);
  add_change("/admin/canary/rollback", &CanaryTrial::roll_back);
  add_change("/admin/canary/restart", &CanaryTrial::restart);
}

}  // namespace sovereign::server
