#include "service.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "answer_cache.h"
#include "base/build_info.h"
#include "canary_parts.h"
#include "config/canary_keys.h"
#include "loaded_model.h"
#include "server/admin/cache_routes.h"
#include "server/admin/canary_routes.h"
#include "server/health/health_routes.h"
#include "server/metrics/metrics_handler.h"
#include "server/openai/api_context.h"
#include "server/openai/routes.h"
#include "server/query/query_routes.h"
#include "server/receipts/receipt_routes.h"

namespace sovereign {

namespace {

// Of the cache's memory, for requests that are known by their bytes.
constexpr std::uint64_t kMemoShare = 8;

}  // namespace

Service::Service(const config::Settings& settings, std::filesystem::path model_path)
    : settings_(settings),
      model_path_(std::move(model_path)),
      model_id_(model_path_.empty() ? std::string() : sovereign::model_id(model_path_, settings)),
      workers_(settings.server.worker_threads) {}

Service::~Service() = default;

std::shared_ptr<engine::Engine> Service::engine() const {
  const auto served = models_.get();
  return served == nullptr ? nullptr : served->engine;
}

result<void> Service::open_proofs() {
  auto receipts = open_receipts(settings_.receipts);
  if (!receipts) return fail(receipts.error());
  receipts_ = std::move(*receipts);
  auto gates = open_gates(settings_.envelopes, clock_);
  if (!gates) return fail(gates.error());
  gates_ = std::move(*gates);
  return {};
}

result<void> Service::make_pipeline() {
  if (settings_.cache.enabled) {
    auto cache = make_cache(settings_.cache);
    if (!cache) return fail(cache.error());
    cache_ = std::move(*cache);
    // What a request's bytes lead to is certain only when there is one backend.
    if (settings_.backends.empty()) {
      memo_ = std::make_unique<server::openai::ChatMemo>(settings_.cache.max_bytes / kMemoShare);
    }
  }
  pipeline_ = runtime::make_pipeline(pipeline_parts(settings_));
  auto canary =
      make_canary(settings_, [this](const config::Settings& variant) { return pipeline_parts(variant); });
  if (!canary) return fail(canary.error());
  canary_ = std::move(*canary);
  return {};
}

runtime::PipelineParts Service::pipeline_parts(const config::Settings& settings) {
  runtime::PipelineParts parts{
      clock_, [this](std::function<void()> job) { boost::asio::post(workers_.executor(), std::move(job)); }};
  parts.cache = cache_.get();
  parts.reasoning = settings.reasoning;
  parts.quality = settings.quality;
  parts.quality_metrics = &quality_metrics_;
  parts.receipts = receipts_.issuer.get();
  return parts;
}

result<void> Service::make_backends() {
  rate_gate_ =
      std::make_unique<server::RateGate>(settings_.limits, !settings_.server.api_key_hashes.empty(), clock_);
  if (settings_.backends.empty()) return {};
  loop_ = std::make_unique<net::EventLoop>();
  auto gateway = make_gateway(settings_, model_id_, clock_, *loop_, [this](std::function<void()> job) {
    boost::asio::post(workers_.executor(), std::move(job));
  });
  if (!gateway) return fail(gateway.error());
  gateway_ = std::move(*gateway);
  prober_ = std::make_unique<Prober>(*loop_, gateway_, settings_.routing.probe_interval);
  return {};
}

server::Router Service::make_router() {
  server::Router router;
  server::HealthSources health{ready_, clock_, {}, settings_.server.stall_after};
  health.stalled_for = [this](Time now) {
    const auto running = engine();
    return running == nullptr ? Duration{} : running->stalled_for(now);
  };
  health.gateway = gateway_.get();
  add_health_routes(router, std::move(health));
  server::MetricsSources metrics{[this] { return engine(); },      http_metrics_, ready_, clock_,
                                 std::string(build_info::version), model_id_,     {}};
  metrics.transport = [this] { return transport_.load(std::memory_order_acquire); };
  metrics.cache = cache_.get();
  metrics.receipts = receipts_.issuer.get();
  if (gates_ != nullptr) metrics.gates = gates_->chain.get();
  const bool variant_assesses = canary_ != nullptr && config::variant_settings(settings_).quality.assesses();
  if (settings_.quality.assesses() || variant_assesses) metrics.quality = &quality_metrics_;
  metrics.gateway = gateway_.get();
  if (canary_ != nullptr) metrics.canary = canary_->trial.get();
  metrics.rate_gate = rate_gate_.get();
  add_metrics_route(router, std::move(metrics));
  server::openai::ApiContext api{models_,
                                 workers_,
                                 clock_,
                                 http_metrics_,
                                 settings_.server,
                                 pipeline_,
                                 cache_.get(),
                                 memo_.get(),
                                 {settings_.receipts.mode, receipts_.issuer.get(), receipts_.why_none},
                                 {gates_ == nullptr ? nullptr : gates_->chain.get(),
                                  settings_.envelopes.required, !settings_.server.api_key_hashes.empty()}};
  api.gateway = gateway_;
  api.embedded = !model_path_.empty();
  api.shares_cache = !settings_.cache.redis_url.empty();
  api.rate_gate = rate_gate_.get();
  api.canary = canary_;
  const auto context = std::make_shared<const server::openai::ApiContext>(std::move(api));
  server::openai::add_openai_routes(router, context);
  server::add_query_routes(router, context);
  server::add_receipt_routes(router, context);
  server::add_cache_routes(router, *context);
  server::add_canary_routes(router, *context);
  return router;
}

result<std::unique_ptr<Service>> Service::start(const config::Settings& settings,
                                                std::filesystem::path model_path) {
  std::unique_ptr<Service> service(new Service(settings, std::move(model_path)));
  if (auto opened = service->open_proofs(); !opened) return fail(opened.error());
  if (auto made = service->make_pipeline(); !made) return fail(made.error());
  if (auto made = service->make_backends(); !made) return fail(made.error());
  auto server = server::HttpServer::start(settings.server, service->make_router());
  if (!server) return fail(server.error());
  service->server_ = std::move(*server);
  service->transport_.store(&service->server_->metrics(), std::memory_order_release);
  return service;
}

result<void> Service::load() {
  if (model_path_.empty()) {
    ready_.set_ready();
    return {};
  }
  auto loaded = load_model(model_path_, settings_, clock_);
  if (!loaded) return fail(loaded.error());
  auto served = std::make_shared<server::openai::ServedModel>();
  served->id = model_id_;
  for (const std::string& alias : {model_path_.stem().string(), loaded->model->info().name}) {
    if (alias != served->id && !alias.empty()) served->aliases.push_back(alias);
  }
  served->created = server::openai::unix_now();
  served->fingerprint = loaded->backend->identity().fingerprint;
  served->backend = std::move(loaded->backend);
  served->model = std::move(loaded->model);
  served->chat_format = std::move(loaded->chat_format);
  served->engine = std::move(loaded->engine);
  if (gateway_ != nullptr) gateway_->set_backend(0, served->backend);
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
