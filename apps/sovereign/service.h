// The running server: HTTP at once, the model when it is loaded.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "backends.h"
#include "base/clock.h"
#include "base/result.h"
#include "cache/response_cache.h"
#include "config/settings.h"
#include "model_set.h"
#include "proof_parts.h"
#include "retirement.h"
#include "runtime/quality_metrics.h"
#include "runtime/standard_pipeline.h"
#include "server/admin/reload_routes.h"
#include "server/health/ready_state.h"
#include "server/http/http_server.h"
#include "server/limits/rate_gate.h"
#include "server/metrics/http_metrics.h"
#include "server/openai/api_context.h"
#include "server/openai/chat_memo.h"
#include "server/openai/served_model.h"
#include "server/worker_pool.h"

namespace sovereign {

// Whether anybody could answer at all. Errors: invalid_argument.
result<void> check_answerable(const config::Settings& settings);

// start() listens and answers /healthz, with /readyz saying "loading"; load() makes it ready. Each is called once,
// drain_and_join() also while load() is under way, reload() from any thread.
class Service {
 public:
  // Reads the configuration again. Errors: invalid_argument, saying what is wrong and where.
  using ReadSettings = std::function<result<config::Settings>()>;

  // An empty path: no model is served in this process. Errors: as make_gateway() and HttpServer::start().
  static result<std::unique_ptr<Service>> start(const config::Settings& settings,
                                                std::filesystem::path model_path, ReadSettings read_settings);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Loads the model, serves it, and gives the id of model.path; empty: there is none. Errors: as
  // load_model().
  result<std::string> load();

  // Reads the configuration again and serves what it says, soon, on a thread of its own; answers under way
  // are finished as they were begun. A configuration with an error changes nothing. The log tells how it
  // went.
  void reload();

  // No new connections; returns when the answers under way are finished or drain_timeout is over.
  void drain_and_join();

  // "http://127.0.0.1:8080"
  const std::string& url() const { return url_; }
  std::uint16_t port() const { return server_->port(); }

 private:
  Service(const config::Settings& settings, std::filesystem::path model_path, ReadSettings read_settings);
  result<void> open_proofs();
  result<void> make_pipeline();
  runtime::PipelineParts pipeline_parts(const config::Settings& settings);
  // quality.judge_model.
  runtime::Judge judge_called(const std::string& model, bool require_local);
  result<void> make_backends();
  server::Router make_router();
  // A gateway for those settings, without its embedded models; null: none is needed.
  result<std::shared_ptr<gateway::Gateway>> new_gateway(const config::Settings& settings);
  // With that gateway; `may_stay`: what is served now, when its models are the same.
  result<server::openai::ServingPtr> build(const config::Settings& settings,
                                           const std::filesystem::path& path,
                                           std::shared_ptr<gateway::Gateway> gateway, bool may_stay);
  // For a new configuration.
  result<server::openai::ServingPtr> renew(const config::Settings& settings,
                                           const std::filesystem::path& path);
  void watch(const std::shared_ptr<gateway::Gateway>& gateway, const config::Settings& settings);
  // On the reloader's thread.
  result<server::ReloadReport> reload_now();
  result<server::ReloadReport> take_settings();

  config::Settings settings_;         // after load(): of the reloader's thread
  std::filesystem::path model_path_;  // likewise
  std::string gateway_inputs_;        // likewise; describe_gateway() of what is served
  std::string model_id_;              // likewise
  const ReadSettings read_settings_;
  const std::chrono::milliseconds drain_timeout_;
  std::string url_;  // since start()
  // In the order of who outlives whom: the server goes first.
  SteadyClock clock_;
  server::ReadyState ready_;
  server::HttpMetrics http_metrics_;
  runtime::QualityMetrics quality_metrics_;
  std::unique_ptr<cache::ResponseCache> cache_;     // null: off
  std::unique_ptr<server::openai::ChatMemo> memo_;  // with the cache
  Receipts receipts_;
  std::unique_ptr<Gates> gates_;          // null: no envelopes are taken
  server::WorkerPool administration_{1};  // may wait for disks and other servers, one after the other
  server::WorkerPool workers_;            // an engine that ends posts its last jobs here
  std::unique_ptr<cache::LookupThreads> lookups_;  // null: the cache is memory alone
  server::openai::PipelineSlot pipeline_;
  std::shared_ptr<const server::openai::Canary> canary_;  // null: none
  std::unique_ptr<server::RateGate> rate_gate_;           // null: no limits
  std::unique_ptr<net::EventLoops> loops_;
  std::unique_ptr<engine::ModelHost> host_;
  std::unique_ptr<ModelSet> model_set_;
  server::openai::ServingSlot serving_;
  std::unique_ptr<Prober> prober_;                                   // with a gateway
  std::atomic<const server::TransportMetrics*> transport_{nullptr};  // null until the server is there
  std::unique_ptr<server::HttpServer> server_;
  server::WorkerPool reloader_{1};  // one after the other; they take seconds
  std::unique_ptr<Retirement> retirement_;
};

}  // namespace sovereign
