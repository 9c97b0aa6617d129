// GET /healthz: the process is alive; nothing else is asked. GET /readyz: it can serve now.
//
// Both run on the io thread and touch neither the engine's thread nor a lock that it holds.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "gateway/gateway.h"
#include "server/health/ready_state.h"
#include "server/router.h"

namespace sovereign::server {

// The references outlive the server.
struct HealthSources {
  const ReadyState& ready;
  const Clock& clock;
  // How long the engine has had work without finishing a step (Engine::stalled_for); zero without one.
  std::function<Duration(Time)> stalled_for;
  Duration stall_after{};  // ServerConfig::stall_after
  // The gateway, or null where the embedded model answers everything; may be left empty.
  std::function<std::shared_ptr<const gateway::Gateway>()> gateway{};
};

// 200 {"status":"ready"}, or 503 with "loading", "draining" or "stalled" and, for the last, for how long.
// With a gateway also "backends", each with its status; "no_backend" when none could answer. A model that
// loads or stalls is then one backend of several, and the others serve on.
HttpResponse readiness(const HealthSources& sources);

void add_health_routes(Router& router, HealthSources sources);

}  // namespace sovereign::server
