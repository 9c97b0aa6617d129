#include "service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "answer_cache.h"
#include "base/build_info.h"
#include "canary_parts.h"
#include "gateway_inputs.h"
#include "loaded_model.h"
#include "server/admin/cache_routes.h"
#include "server/admin/canary_routes.h"
#include "server/health/health_routes.h"
#include "server/metrics/metrics_handler.h"
#include "server/openai/api_context.h"
#include "server/openai/routes.h"
#include "server/query/query_routes.h"
#include "server/receipts/receipt_routes.h"
#include "settings_change.h"

namespace sovereign {

namespace {

// Who only passes queries on is as fast as its loops; beside a model, which needs the CPUs, one loop is
// enough.
std::size_t io_threads(const config::Settings& settings) {
  constexpr std::uint32_t kMost = 8;
  if (settings.server.io_threads > 0) return settings.server.io_threads;
  if (settings.backends.empty()) return 1;
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMost);
}

bool serves_models(const config::Settings& settings) {
  return settings.model.enabled || !settings.models.empty();
}

}  // namespace

result<void> check_answerable(const config::Settings& settings) {
  const bool by_others = !settings.backends.empty() && !settings.routing.require_local;
  if (serves_models(settings) || by_others) return {};
  return fail(
      ErrorCode::invalid_argument,
      "model.enabled is false, and neither a model of [models] nor a backend may answer in its place: nobody "
      "could",
      "model.enabled");
}

Service::Service(const config::Settings& settings, std::filesystem::path model_path,
                 ReadSettings read_settings)
    : settings_(settings),
      model_path_(std::move(model_path)),
      model_id_(model_path_.empty() ? std::string() : sovereign::model_id(model_path_, settings)),
      read_settings_(std::move(read_settings)),
      drain_timeout_(settings.server.drain_timeout),
      workers_(settings.server.worker_threads) {}

Service::~Service() = default;

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
    memo_ = std::make_unique<server::openai::ChatMemo>(memo_bytes(settings_.cache));
    if (cache_->has_levels()) {
      cache::LookupThreadsConfig threads;
      threads.max_wait = settings_.cache.redis_timeout;
      lookups_ = std::make_unique<cache::LookupThreads>(threads);
    }
  }
  pipeline_.set(runtime::make_pipeline(pipeline_parts(settings_)));
  auto canary = make_canary(settings_, model_path_,
                            [this](const config::Settings& variant) { return pipeline_parts(variant); });
  if (!canary) return fail(canary.error());
  canary_ = std::move(*canary);
  return {};
}

runtime::PipelineParts Service::pipeline_parts(const config::Settings& settings) {
  runtime::PipelineParts parts{
      clock_, [this](std::function<void()> job) { boost::asio::post(workers_.executor(), std::move(job)); }};
  parts.cache = cache_.get();
  parts.lookups = lookups_.get();
  parts.reasoning = settings.reasoning;
  parts.quality = settings.quality;
  parts.find_judge = [this](const std::string& model, bool require_local) {
    return judge_called(model, require_local);
  };
  parts.quality_metrics = &quality_metrics_;
  parts.receipts = receipts_.issuer.get();
  parts.clients_wait = !settings.canary.name.empty();
  return parts;
}

runtime::Judge Service::judge_called(const std::string& model, bool require_local) {
  const auto serving = serving_.get();
  if (serving->gateway == nullptr) {
    const auto served = server::openai::find_model(*serving, model);
    if (!served) return {};
    return {(*served)->backend, (*served)->backend->identity().digest};
  }
  auto route = serving->gateway->route({.model = model, .tier = {}, .require_local = require_local});
  if (!route) {
    spdlog::debug("no judge: {}", route.error().message);
    return {};
  }
  const auto meant = serving->gateway->preferred({.model = model, .tier = {}});
  return {std::move(*route), meant && meant->settled ? meant->digest : std::string()};
}

result<void> Service::make_backends() {
  rate_gate_ = std::make_unique<server::RateGate>(settings_.limits, clock_);
  loops_ = std::make_unique<net::EventLoops>(io_threads(settings_));
  host_ = std::make_unique<engine::ModelHost>(engine::ModelHostConfig{}, clock_);
  model_set_ = std::make_unique<ModelSet>(*host_, clock_);
  retirement_ = std::make_unique<Retirement>(loops_->first(), [this](server::openai::ServingPtr serving) {
    boost::asio::post(reloader_.executor(), [gone = std::move(serving)]() mutable { gone.reset(); });
  });
  // Backends elsewhere answer while the model here still loads.
  auto gateway = new_gateway(settings_);
  if (!gateway) return fail(gateway.error());
  auto inputs = describe_gateway(settings_, model_id_);
  if (!inputs) return fail(inputs.error());
  gateway_inputs_ = std::move(*inputs);
  // Its file's name is known before it is loaded.
  if (*gateway != nullptr && !model_path_.empty())
    (*gateway)->set_backend(0, nullptr, {model_path_.stem().string()});
  auto serving = std::make_shared<server::openai::Serving>();
  serving->gateway = std::move(*gateway);
  serving->first_id = model_id_;
  serving->embedded = serves_models(settings_);
  serving->require_local = settings_.routing.require_local;
  watch(serving->gateway, settings_);
  serving_.set(std::move(serving));
  return {};
}

result<std::shared_ptr<gateway::Gateway>> Service::new_gateway(const config::Settings& settings) {
  const auto serving = serving_.get();
  return make_gateway(
      settings, model_id_, clock_, *loops_,
      [this](std::function<void()> job) { boost::asio::post(workers_.executor(), std::move(job)); },
      serving->gateway.get());
}

void Service::watch(const std::shared_ptr<gateway::Gateway>& gateway, const config::Settings& settings) {
  prober_.reset();
  if (gateway != nullptr) {
    prober_ = std::make_unique<Prober>(loops_->first(), gateway, settings.routing.probe_interval);
  }
}

result<server::openai::ServingPtr> Service::build(const config::Settings& settings,
                                                  const std::filesystem::path& path,
                                                  std::shared_ptr<gateway::Gateway> gateway, bool may_stay) {
  auto models = model_set_->prepare(settings, path);
  if (!models) return fail(models.error());
  auto variant = model_set_->prepare_variant(settings, path);
  // A variant that cannot even begin is one that fails, and must not take the server with it.
  if (!variant) {
    spdlog::error("canary {}: the variant has no engine: {}", settings.canary.name, variant.error().message);
    variant = nullptr;
  }
  if (auto before = serving_.get(); may_stay && *models == before->models && *variant == before->variant) {
    return before;
  }
  if (gateway != nullptr) attach_models(*gateway, *models, *variant);
  auto serving = std::make_shared<server::openai::Serving>();
  serving->models = std::move(*models);
  serving->variant = std::move(*variant);
  serving->first_id = model_id_;
  serving->gateway = std::move(gateway);
  serving->embedded = serves_models(settings);
  serving->require_local = settings.routing.require_local;
  return serving;
}

server::Router Service::make_router() {
  server::Router router;
  server::HealthSources health{ready_, clock_, {}, settings_.server.stall_after};
  health.stalled_for = [this](Time now) {
    Duration longest{};
    for (const auto& model : serving_.get()->models)
      longest = std::max(longest, model->engine->stalled_for(now));
    return longest;
  };
  health.gateway = [this] { return serving_.get()->gateway; };
  add_health_routes(router, std::move(health));
  const auto engines = [this] {
    std::vector<std::pair<std::string, std::shared_ptr<const engine::InferenceEngine>>> all;
    const auto serving = serving_.get();
    for (const auto& model : serving->models) all.emplace_back(model->id, model->engine);
    if (const auto& variant = serving->variant; variant != nullptr && variant != serving->find({})) {
      all.emplace_back(variant_name(canary_->trial->name(), variant->id), variant->engine);
    }
    return all;
  };
  server::MetricsSources metrics{engines,
                                 http_metrics_,
                                 ready_,
                                 clock_,
                                 std::string(build_info::version),
                                 [this] { return serving_.get()->first_id; },
                                 {}};
  metrics.transport = [this] { return transport_.load(std::memory_order_acquire); };
  metrics.cache = cache_.get();
  metrics.receipts = receipts_.issuer.get();
  if (gates_ != nullptr) metrics.gates = gates_->chain.get();
  metrics.quality = &quality_metrics_;
  metrics.gateway = [this] { return serving_.get()->gateway; };
  if (canary_ != nullptr) metrics.canary = canary_->trial.get();
  metrics.rate_gate = rate_gate_.get();
  add_metrics_route(router, std::move(metrics));
  server::openai::ApiContext api{
      serving_,
      workers_,
      clock_,
      http_metrics_,
      settings_.server,
      pipeline_,
      cache_.get(),
      memo_.get(),
      {settings_.receipts.mode, receipts_.issuer.get(), receipts_.why_none},
      {gates_ == nullptr ? nullptr : gates_->chain.get(), settings_.envelopes.required}};
  api.shares_cache = !settings_.cache.redis_url.empty();
  api.rate_gate = rate_gate_.get();
  api.canary = canary_;
  const auto context = std::make_shared<const server::openai::ApiContext>(std::move(api));
  server::openai::add_openai_routes(router, context);
  server::add_query_routes(router, context);
  server::add_receipt_routes(router, context);
  server::add_cache_routes(router, *context, administration_);
  server::add_canary_routes(router, *context);
  server::add_reload_route(router, *context, reloader_, [this] { return reload_now(); });
  return router;
}

result<std::unique_ptr<Service>> Service::start(const config::Settings& settings,
                                                std::filesystem::path model_path,
                                                ReadSettings read_settings) {
  std::unique_ptr<Service> service(new Service(settings, std::move(model_path), std::move(read_settings)));
  if (auto opened = service->open_proofs(); !opened) return fail(opened.error());
  if (auto made = service->make_pipeline(); !made) return fail(made.error());
  if (auto made = service->make_backends(); !made) return fail(made.error());
  auto server = server::HttpServer::start(settings.server, service->make_router(), service->loops_.get());
  if (!server) return fail(server.error());
  service->server_ = std::move(*server);
  const std::string& host = settings.server.host;
  service->url_ = fmt::format("{}://{}:{}", service->server_->tls() ? "https" : "http",
                              host.find(':') == std::string::npos ? host : "[" + host + "]", service->port());
  service->transport_.store(&service->server_->metrics(), std::memory_order_release);
  return service;
}

result<std::string> Service::load() {
  auto serving = build(settings_, model_path_, serving_.get()->gateway, false);
  if (!serving) return fail(serving.error());
  model_set_->apply_limits(settings_, (*serving)->models);
  serving_.set(std::move(*serving));
  std::string id = model_id_;
  ready_.set_ready();
  return id;
}

void Service::reload() {
  boost::asio::post(reloader_.executor(), [this] { reload_now(); });
}

result<server::ReloadReport> Service::reload_now() {
  auto report = take_settings();
  if (!report) {
    spdlog::error("the configuration was not reloaded, the old one stays: {}", report.error().message);
    return report;
  }
  spdlog::info("configuration reloaded: {}", report->applied.empty()
                                                 ? "nothing changed"
                                                 : fmt::format("{}", fmt::join(report->applied, ", ")));
  if (!report->needs_restart.empty()) {
    spdlog::warn("these changes wait for a restart: {}", fmt::join(report->needs_restart, ", "));
  }
  return report;
}

result<server::openai::ServingPtr> Service::renew(const config::Settings& settings,
                                                  const std::filesystem::path& path) {
  auto gateway = new_gateway(settings);
  if (!gateway) return fail(gateway.error());
  auto inputs = describe_gateway(settings, model_id_);
  if (!inputs) return fail(inputs.error());
  auto serving = build(settings, path, std::move(*gateway), *inputs == gateway_inputs_);
  if (serving) gateway_inputs_ = std::move(*inputs);
  return serving;
}

result<server::ReloadReport> Service::take_settings() {
  if (ready_.phase() != server::ReadyState::Phase::ready) {
    return fail(ErrorCode::unavailable,
                "the server is starting or ending; its configuration is not read now");
  }
  const auto next = read_settings_();
  if (!next) return fail(next.error());
  auto change = compare_settings(settings_, *next);
  config::Settings settings = take_over(settings_, *next);
  if (const auto sound = check_merged(settings, change); !sound) return fail(sound.error());
  if (const auto usable = check_answerable(settings); !usable) return fail(usable.error());
  if (const auto allowed = server::check_bind(settings.server); !allowed) return fail(allowed.error());
  auto keys = server::AccessKeys::read(settings.server);
  if (!keys) return fail(keys.error());
  std::filesystem::path path;
  if (settings.model.enabled) {
    auto found = sovereign::find_model(settings.model, [] { return false; });
    if (!found) return fail(found.error());
    path = std::move(*found);
  }
  const std::string id_before =
      std::exchange(model_id_, path.empty() ? std::string() : model_id(path, settings));
  auto serving = renew(settings, path);
  if (!serving) {
    model_id_ = id_before;
    return fail(serving.error());
  }
  model_set_->apply_limits(settings, (*serving)->models);
  server_->set_keys(std::move(*keys));
  rate_gate_->configure(settings.limits);
  const bool answers_otherwise = std::any_of(
      change.applied.begin(), change.applied.end(),
      [](const std::string& name) { return name.starts_with("quality.") || name.starts_with("reasoning."); });
  if (answers_otherwise) pipeline_.set(runtime::make_pipeline(pipeline_parts(settings)));
  if (const auto before = serving_.get(); *serving != before) {
    const auto& gateway = (*serving)->gateway;
    // Again: loading a model may have taken a minute.
    if (gateway != nullptr && before->gateway != nullptr) gateway->learn_from(*before->gateway);
    watch(gateway, settings);
    retirement_->add(serving_.set(std::move(*serving)));
  }
  settings_ = std::move(settings);
  model_path_ = std::move(path);
  if (canary_ != nullptr) {
    if (const auto kept = canary_->trial->set_control(canary_config(settings_, model_path_).control); !kept) {
      spdlog::warn("canary: {}", kept.error().message);
    }
  }
  return server::ReloadReport{std::move(change.applied), std::move(change.needs_restart)};
}

void Service::drain_and_join() {
  ready_.set_draining();
  server_->drain(drain_timeout_);
  server_->join();
}

}  // namespace sovereign
