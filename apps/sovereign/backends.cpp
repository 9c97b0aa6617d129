#include "backends.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <map>
#include <utility>

#include "config/canary_keys.h"
#include "gateway/openai/openai_backend.h"
#include "gateway/openai/preset.h"
#include "gateway_inputs.h"

namespace sovereign {
namespace {

std::vector<gateway::Tier> tiers(const std::vector<std::string>& names) {
  std::vector<gateway::Tier> out;
  for (const auto& name : names) {
    if (const auto tier = gateway::tier_of(name)) out.push_back(*tier);
  }
  return out;
}

gateway::RoutingConfig routing_config(const config::RoutingSettings& settings) {
  gateway::RoutingConfig routing;
  routing.local_from = settings.local_from;
  routing.pool_from = settings.pool_from;
  routing.edge_fallback = tiers(settings.edge_fallback);
  routing.local_fallback = tiers(settings.local_fallback);
  routing.pool_fallback = tiers(settings.pool_fallback);
  routing.require_local = settings.require_local;
  return routing;
}

gateway::BreakerConfig breaker_config(const config::RoutingSettings& settings) {
  gateway::BreakerConfig breaker;
  breaker.consecutive_failures = settings.breaker_failures;
  breaker.open_for = settings.breaker_open_for;
  return breaker;
}

gateway::GatewayMember embedded_member(const config::Settings& settings, const std::string& model_id) {
  gateway::MemberConfig member;
  member.name = model_id;
  member.tier = gateway::Tier::edge;
  member.embedded = true;
  member.breaker = breaker_config(settings.routing);
  // The engine has its own queue; this one never fills.
  return {std::move(member), nullptr};
}

gateway::GatewayMember hosted_member(const config::Settings& settings,
                                     const config::HostedModelSettings& model) {
  auto member = embedded_member(settings, model.name);
  member.config.aliases = model.aliases;
  member.config.tier = model.tier;
  member.config.priority = model.priority;
  return member;
}

result<gateway::GatewayMember> remote_member(const config::Settings& settings,
                                             const gateway::RemoteConfig& remote, net::EventLoops& loops,
                                             const gateway::Gateway* before) {
  auto made_of = describe_backend(settings, remote);
  if (!made_of) return fail(made_of.error());
  std::shared_ptr<gateway::Backend> backend = before ? before->backend_made_of(*made_of) : nullptr;
  if (backend == nullptr) {
    auto created = gateway::OpenAiBackend::create(remote, loops);
    if (!created) return fail(created.error());
    backend = std::move(*created);
  }
  gateway::MemberConfig member;
  member.name = remote.name;
  member.model = remote.model;
  member.aliases = remote.aliases;
  member.tier = gateway::tier_of(remote);
  member.priority = remote.priority;
  // Each of its calls may hold so many queries; the backend counts the calls itself.
  member.max_concurrency = remote.max_concurrency * remote.batch_size;
  member.max_queued = remote.max_queued;
  member.breaker = breaker_config(settings.routing);
  member.made_of = std::move(*made_of);
  return gateway::GatewayMember{std::move(member), std::move(backend)};
}

}  // namespace

void attach_models(gateway::Gateway& gateway,
                   const std::vector<std::shared_ptr<const server::openai::ServedModel>>& models,
                   const std::shared_ptr<const server::openai::ServedModel>& variant) {
  // The variant first: who meets it must find it.
  if (variant != nullptr) gateway.set_backend(gateway.size() - 1, variant->backend);
  for (std::size_t member = 0; member < models.size(); ++member) {
    gateway.set_backend(member, models[member]->backend, models[member]->aliases);
  }
}

std::string variant_name(const std::string& canary, const std::string& model_id) {
  return fmt::format("{}@{}", model_id, canary);
}

result<std::shared_ptr<gateway::Gateway>> make_gateway(const config::Settings& settings,
                                                       const std::string& model_id, const Clock& clock,
                                                       net::EventLoops& loops,
                                                       gateway::GatewayExecutor executor,
                                                       const gateway::Gateway* before) {
  const auto overlay = config::canary_overlay(settings.canary);
  if (settings.backends.empty() && settings.models.empty() && !overlay.engine) {
    return std::shared_ptr<gateway::Gateway>();
  }
  std::vector<gateway::GatewayMember> members;
  if (settings.model.enabled) members.push_back(embedded_member(settings, model_id));
  for (const auto& model : settings.models) members.push_back(hosted_member(settings, model));
  for (const gateway::RemoteConfig& remote : settings.backends) {
    // Nothing leaves this process: not even a probe.
    if (settings.routing.require_local) break;
    auto member = remote_member(settings, remote, loops, before);
    if (!member) {
      auto error = member.error();
      error.message = fmt::format("backend '{}': {}", remote.name, error.message);
      return fail(std::move(error));
    }
    members.push_back(std::move(*member));
  }
  if (overlay.engine) {
    members.push_back(embedded_member(settings, variant_name(settings.canary.name, model_id)));
    members.back().config.stands_in_for = 0;
  }
  std::optional<gateway::RoutingConfig> variant_routing;
  if (overlay.routing) variant_routing = routing_config(config::variant_settings(settings).routing);
  auto gateway = gateway::Gateway::create(
      std::move(members), routing_config(settings.routing), clock, std::move(executor),
      [&loop = loops.first()](Time when, std::function<void()> job) { loop.run_at(when, std::move(job)); },
      std::move(variant_routing));
  if (before != nullptr) gateway->learn_from(*before);
  return gateway;
}

struct Prober::State : std::enable_shared_from_this<State> {
  State(net::EventLoop& loop, std::weak_ptr<gateway::Gateway> the_gateway, std::chrono::milliseconds every)
      : timer(loop.executor()), gateway(std::move(the_gateway)), interval(every) {}

  // On the loop.
  void look() {
    const auto asked = gateway.lock();
    if (stopped || asked == nullptr) return;
    asked->probe();
    tell_changes(*asked);
    timer.expires_after(interval);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
      if (!ec) self->look();
    });
  }

  void tell_changes(const gateway::Gateway& of) {
    for (const auto& member : of.view()) {
      const auto [known, is_new] = told.try_emplace(member.name, member.status);
      if (!is_new && std::exchange(known->second, member.status) == member.status) continue;
      if (is_new && member.status == gateway::BackendStatus::cold) continue;
      spdlog::info("backend {} is {}{}{}", member.name, to_string(member.status),
                   member.detail.empty() ? "" : ": ", member.detail);
    }
  }

  boost::asio::steady_timer timer;
  const std::weak_ptr<gateway::Gateway> gateway;
  const std::chrono::milliseconds interval;
  bool stopped = false;
  std::map<std::string, gateway::BackendStatus> told;
};

Prober::Prober(net::EventLoop& loop, std::weak_ptr<gateway::Gateway> gateway,
               std::chrono::milliseconds interval)
    : state_(std::make_shared<State>(loop, std::move(gateway), interval)) {
  if (interval.count() == 0) return;
  boost::asio::post(state_->timer.get_executor(), [state = state_] { state->look(); });
}

Prober::~Prober() {
  boost::asio::post(state_->timer.get_executor(), [state = state_] {
    state->stopped = true;
    state->timer.cancel();
  });
}

gateway::ProbeReport probe_once(const gateway::RemoteConfig& config) {
  net::EventLoops loops(1);
  const auto backend = gateway::OpenAiBackend::create(config, loops);
  if (!backend) return {gateway::ProbeOutcome::failed, backend.error().message, {}};
  std::promise<gateway::ProbeReport> promise;
  (*backend)->probe([&promise](gateway::ProbeReport report) { promise.set_value(std::move(report)); });
  return promise.get_future().get();
}

}  // namespace sovereign
