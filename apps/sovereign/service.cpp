#include "service.h"

#include <fmt/format.h>

#include <utility>

#include "base/build_info.h"
#include "loaded_model.h"
#include "server/health/health_routes.h"
#include "server/metrics/metrics_handler.h"
#include "server/openai/api_context.h"
#include "server/openai/routes.h"

namespace sovereign {

Service::Service(const config::Settings& settings, std::filesystem::path model_path)
    : settings_(settings),
      model_path_(std::move(model_path)),
      model_id_(sovereign::model_id(model_path_, settings)),
      workers_(settings.server.worker_threads) {}

Service::~Service() = default;

std::shared_ptr<engine::Engine> Service::engine() const {
  const auto served = models_.get();
  return served == nullptr ? nullptr : served->engine;
}

server::Router Service::make_router() {
  server::Router router;
  server::HealthSources health{ready_, clock_, {}, settings_.server.stall_after};
  health.stalled_for = [this](Time now) {
    const auto running = engine();
    return running == nullptr ? Duration{} : running->stalled_for(now);
  };
  add_health_routes(router, std::move(health));
  server::MetricsSources metrics{[this] { return engine(); },      http_metrics_, ready_, clock_,
                                 std::string(build_info::version), model_id_,     {}};
  metrics.transport = [this] { return transport_.load(std::memory_order_acquire); };
  add_metrics_route(router, std::move(metrics));
  const auto context = std::make_shared<const server::openai::ApiContext>(
      server::openai::ApiContext{models_, workers_, clock_, http_metrics_, settings_.server});
  server::openai::add_openai_routes(router, context);
  return router;
}

result<std::unique_ptr<Service>> Service::start(const config::Settings& settings,
                                                std::filesystem::path model_path) {
  std::unique_ptr<Service> service(new Service(settings, std::move(model_path)));
  auto server = server::HttpServer::start(settings.server, service->make_router());
  if (!server) return fail(server.error());
  service->server_ = std::move(*server);
  service->transport_.store(&service->server_->metrics(), std::memory_order_release);
  return service;
}

result<void> Service::load() {
  auto loaded = load_model(model_path_, settings_, clock_);
  if (!loaded) return fail(loaded.error());
  auto served = std::make_shared<server::openai::ServedModel>();
  served->id = model_id_;
  for (const std::string& alias : {model_path_.stem().string(), loaded->model->info().name}) {
    if (alias != served->id && !alias.empty()) served->aliases.push_back(alias);
  }
  served->created = server::openai::unix_now();
  served->fingerprint = server::openai::make_fingerprint(
      loaded->model->info(), fmt::format("{} {}", build_info::version, build_info::git_commit));
  served->model = std::move(loaded->model);
  served->chat_format = std::move(loaded->chat_format);
  served->engine = std::move(loaded->engine);
  models_.set(std::move(served));
  ready_.set_ready();
  return {};
}

void Service::drain_and_join() {
  ready_.set_draining();
  server_->drain(settings_.server.drain_timeout);
  server_->join();
}

std::string Service::url() const {
  const std::string& host = settings_.server.host;
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", server_->tls() ? "https" : "http", ipv6 ? "[" + host + "]" : host, port());
}

}  // namespace sovereign
