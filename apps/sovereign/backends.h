// The gateway as the configuration describes it, and what keeps an eye on its backends.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "gateway/gateway.h"
#include "net/event_loops.h"
#include "server/openai/served_model.h"

namespace sovereign {

// Null when there are neither backends nor models beside the first, nor a canary with an engine of its own:
// the first model then answers everything. The first members are the models in this process, the first model
// (unless it is disabled) and those of [models.NAME] in their order; the last is the first model with a
// canary's engine, where there is one. They come with attach_models(). Backends elsewhere whose configuration
// is that of one of `before` go on as they are. Errors: as OpenAiBackend::create(), naming the backend.
result<std::shared_ptr<gateway::Gateway>> make_gateway(const config::Settings& settings,
                                                       const std::string& model_id, const Clock& clock,
                                                       net::EventLoops& loops,
                                                       gateway::GatewayExecutor executor,
                                                       const gateway::Gateway* before = nullptr);

// Gives the gateway the models in this process, in the order above; `variant` may be null.
void attach_models(gateway::Gateway& gateway,
                   const std::vector<std::shared_ptr<const server::openai::ServedModel>>& models,
                   const std::shared_ptr<const server::openai::ServedModel>& variant);

// How a canary's engine is called where backends and engines are listed: "MODEL@CANARY".
std::string variant_name(const std::string& canary, const std::string& model_id);

// Asks all backends how they are, now and at every interval, until it is destroyed. Zero: never. The loop
// outlives it.
class Prober {
 public:
  Prober(net::EventLoop& loop, std::weak_ptr<gateway::Gateway> gateway, std::chrono::milliseconds interval);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// One backend, asked once, for `doctor`.
gateway::ProbeReport probe_once(const gateway::RemoteConfig& config);

}  // namespace sovereign
