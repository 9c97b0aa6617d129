// One door before all backends: picks by tier and health; passes a query on, unseen, to the next backend as
// long as no token has come; limits how many each has at a time.
//
//   auto route = gateway->route({.model = "auto", .complexity = 40});
//   pipeline.start(query, *route, client);
//
// docs/gateway.md describes the behaviour. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "gateway/backend.h"
#include "gateway/fleet.h"

namespace sovereign::gateway {

struct GatewayShared;

struct GatewayMember {
  MemberConfig config;
  std::shared_ptr<Backend> backend;  // null: comes later (the embedded one)
};

// Runs a job soon, on a thread that may compute for a while.
using GatewayExecutor = std::function<void(std::function<void()>)>;
// Runs a job that returns at once when that time has come, on any thread.
using GatewayAlarm = std::function<void(Time, std::function<void()>)>;

// Who answers a text completion, or embeddings.
struct RelayRoute {
  std::shared_ptr<Backend> remote;  // those elsewhere who may, as one: as route() gives it; null: none
  std::string embedded;             // the model in this process that may, and comes after them; empty: none
};

// Whether another backend may do better after this failure. What is wrong with the query itself is wrong
// everywhere.
bool may_pass_on(const Failure& failure);

class Gateway : public std::enable_shared_from_this<Gateway> {
 public:
  // The clock, and whatever executor and alarm post to, outlive every query. The alarm goes by the same
  // clock. `variant_routing`: of a canary's variant; none: control's.
  static std::shared_ptr<Gateway> create(std::vector<GatewayMember> members, RoutingConfig routing,
                                         const Clock& clock, GatewayExecutor executor, GatewayAlarm alarm,
                                         std::optional<RoutingConfig> variant_routing = {});

  // The backend whose MemberConfig::made_of that is; null: none's.
  std::shared_ptr<Backend> backend_made_of(const std::string& made_of) const;
  // Takes over what that one knows of the backends that are in both, as Fleet::learn_from(). Before the first
  // query.
  void learn_from(const Gateway& before);

  std::size_t size() const;  // members

  // Puts a backend in its place; null: it is gone. `offers`: what it goes by besides, where no other does.
  void set_backend(std::size_t member, std::shared_ptr<Backend> backend,
                   std::vector<std::string> offers = {});

  // The backends that this query may go to, as one: its identity is the first choice's. It lives as long as
  // its generations do, owns no engine and knows the gateway weakly: hold both until generate() was called.
  // Errors: as plan_route(), with retry_after.
  outcome<std::shared_ptr<Backend>> route(const RouteQuestion& question);

  // As whom the first choice for this query answers, were all well and idle: it does not change with their
  // health. None: nobody is there for it.
  std::optional<BackendIdentity> preferred(const RouteQuestion& question) const;
  // Whether that one has a stand-in in a canary's variant (MemberConfig::stands_in_for).
  bool prefers_replaced(const RouteQuestion& question) const;

  // As route(), for what a model in this process is not asked through its backend (GenerateRequest::relay).
  // Its generations end with kRouteMissing when all have turned out to lack the route; a route that is
  // planned then goes on to others.
  outcome<RelayRoute> relay_route(const RouteQuestion& question);

  // Asks every backend how it is; what they say comes into view(). view() asks those in this process itself.
  void probe();

  const RoutingConfig& routing() const;
  std::vector<MemberView> view() const;
  // Whether anybody could answer now.
  bool serves() const;
  // No query is under way.
  bool idle() const;

 private:
  friend class Attempt;
  Gateway(std::vector<std::shared_ptr<Backend>> backends, std::shared_ptr<GatewayShared> shared);
  std::shared_ptr<Backend> backend(std::size_t member) const;
  void probe(std::size_t member) const;
  // Asking a model here how it is costs nothing, and it may be well again long before the next probe.
  void look_at_stalled() const;

  const std::shared_ptr<GatewayShared> shared_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Backend>> backends_;  // guarded by mutex_; as many as there are members
};

}  // namespace sovereign::gateway
