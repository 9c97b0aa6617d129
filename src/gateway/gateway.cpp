#include "gateway/gateway.h"

#include <algorithm>
#include <utility>

#include "gateway/attempt.h"

namespace sovereign::gateway {
namespace {

BackendIdentity identity_in(const Fleet& fleet, std::size_t member, const Backend& backend,
                            const std::string& asked) {
  BackendIdentity identity = backend.identity_of(fleet.model_for(member, asked));
  identity.tier = fleet.tier(member);
  return identity;
}

class RoutedBackend final : public Backend, public std::enable_shared_from_this<RoutedBackend> {
 public:
  RoutedBackend(std::shared_ptr<GatewayShared> shared, std::vector<std::size_t> order, std::string asked,
                const Backend& first)
      : shared_(std::move(shared)),
        order_(std::move(order)),
        asked_(std::move(asked)),
        identity_(identity_in(shared_->fleet, order_.front(), first, asked_)),
        capabilities_(first.capabilities()) {}

  const BackendIdentity& identity() const override { return identity_; }
  BackendCapabilities capabilities() const override { return capabilities_; }
  bool owns_engine() const override { return false; }

  outcome<std::uint64_t> generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) override {
    request.model = asked_;
    return std::make_shared<Attempt>(shared_, order_, std::move(request), std::move(sink), shared_from_this())
        ->begin();
  }
  void cancel(std::uint64_t generation) noexcept override {
    if (const auto attempt = shared_->find(generation)) attempt->cancel();
  }

 private:
  const std::shared_ptr<GatewayShared> shared_;
  const std::vector<std::size_t> order_;
  const std::string asked_;  // for which model
  const BackendIdentity identity_;
  const BackendCapabilities capabilities_;
};

}  // namespace

Gateway::Gateway(std::vector<std::shared_ptr<Backend>> backends, std::shared_ptr<GatewayShared> shared)
    : shared_(std::move(shared)), backends_(std::move(backends)) {}

std::shared_ptr<Gateway> Gateway::create(std::vector<GatewayMember> members, RoutingConfig routing,
                                         const Clock& clock, GatewayExecutor executor, GatewayAlarm alarm,
                                         std::optional<RoutingConfig> variant_routing) {
  std::vector<MemberConfig> configs;
  std::vector<std::shared_ptr<Backend>> backends;
  for (auto& member : members) {
    member.config.present = member.backend != nullptr;
    configs.push_back(std::move(member.config));
    backends.push_back(std::move(member.backend));
  }
  auto shared =
      std::make_shared<GatewayShared>(std::move(configs), std::move(routing), clock, std::move(executor),
                                      std::move(alarm), std::move(variant_routing));
  std::shared_ptr<Gateway> gateway(new Gateway(std::move(backends), shared));
  shared->gateway = gateway;
  return gateway;
}

std::shared_ptr<Backend> Gateway::backend(std::size_t member) const {
  const std::lock_guard lock(mutex_);
  return backends_[member];
}

std::shared_ptr<Backend> Gateway::backend_made_of(const std::string& made_of) const {
  const auto member = shared_->fleet.find(made_of);
  return member ? backend(*member) : nullptr;
}

void Gateway::learn_from(const Gateway& before) { shared_->fleet.learn_from(before.shared_->fleet); }

std::size_t Gateway::size() const { return shared_->fleet.size(); }

void Gateway::set_backend(std::size_t member, std::shared_ptr<Backend> backend,
                          std::vector<std::string> offers) {
  const bool present = backend != nullptr;
  const std::string model = present ? backend->identity().model : std::string();
  std::shared_ptr<Backend> old;  // ends after the lock
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(backends_[member], std::move(backend));
  }
  shared_->fleet.set_present(member, present, model, std::move(offers));
}

outcome<std::shared_ptr<Backend>> Gateway::route(const RouteQuestion& question) {
  look_at_stalled();
  auto order = shared_->fleet.plan(question, shared_->clock.now());
  if (!order) return tl::unexpected<Failure>(order.error());
  const auto first = backend(order->front());
  if (first == nullptr) {
    return tl::unexpected<Failure>(
        {ErrorCode::unavailable, "The model is no longer served.", {}, "no_backend"});
  }
  return std::make_shared<RoutedBackend>(shared_, std::move(*order), std::string(question.model), *first);
}

std::optional<BackendIdentity> Gateway::preferred(const RouteQuestion& question) const {
  const auto member = shared_->fleet.preferred(question);
  const auto asked = member ? backend(*member) : nullptr;
  if (asked == nullptr) return std::nullopt;
  return identity_in(shared_->fleet, *member, *asked, std::string(question.model));
}

bool Gateway::prefers_replaced(const RouteQuestion& question) const {
  return shared_->fleet.prefers_replaced(question);
}

outcome<RelayRoute> Gateway::relay_route(const RouteQuestion& question) {
  look_at_stalled();
  const Fleet& fleet = shared_->fleet;
  auto order = fleet.plan(question, shared_->clock.now());
  if (!order) return tl::unexpected<Failure>(order.error());
  RelayRoute route;
  const auto here =
      std::find_if(order->begin(), order->end(), [&](std::size_t member) { return fleet.embedded(member); });
  if (here != order->end()) route.embedded = fleet.name(*here);
  order->erase(here, order->end());
  if (order->empty()) return route;
  std::string asked(question.model);
  // Whoever answers, it is that model, should one of them have changed its own meanwhile.
  if (question.api == ApiRoute::embeddings && order->size() > 1) {
    asked = fleet.answers_with(order->front(), asked);
  }
  const auto first = backend(order->front());
  route.remote = std::make_shared<RoutedBackend>(shared_, std::move(*order), std::move(asked), *first);
  return route;
}

void Gateway::look_at_stalled() const {
  for (const auto member : shared_->fleet.stalled()) probe(member);
}

void Gateway::probe() {
  for (std::size_t member = 0; member < shared_->fleet.size(); ++member) probe(member);
}

void Gateway::probe(std::size_t member) const {
  const auto asked = backend(member);
  if (asked == nullptr) return;
  asked->probe([shared = shared_, member](const ProbeReport& report) {
    shared->fleet.report_probe(member, report, shared->clock.now());
  });
}

bool Gateway::idle() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->attempts.empty();
}

const RoutingConfig& Gateway::routing() const { return shared_->fleet.routing(); }

std::vector<MemberView> Gateway::view() const {
  for (std::size_t member = 0; member < shared_->fleet.size(); ++member) {
    if (shared_->fleet.embedded(member)) probe(member);
  }
  auto views = shared_->fleet.view(shared_->clock.now());
  for (std::size_t member = 0; member < views.size(); ++member) {
    if (const auto asked = backend(member)) views[member].batches = asked->batch_figures();
  }
  return views;
}

bool Gateway::serves() const {
  const auto views = view();
  return std::any_of(views.begin(), views.end(),
                     [](const MemberView& member) { return member.takes_queries; });
}

}  // namespace sovereign::gateway
