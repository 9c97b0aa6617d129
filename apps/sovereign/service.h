// The running server: HTTP at once, the model when it is loaded.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "backends.h"
#include "base/clock.h"
#include "base/result.h"
#include "cache/response_cache.h"
#include "config/settings.h"
#include "proof_parts.h"
#include "runtime/quality_metrics.h"
#include "runtime/standard_pipeline.h"
#include "server/health/ready_state.h"
#include "server/http/http_server.h"
#include "server/limits/rate_gate.h"
#include "server/metrics/http_metrics.h"
#include "server/openai/api_context.h"
#include "server/openai/chat_memo.h"
#include "server/openai/served_model.h"
#include "server/worker_pool.h"

namespace sovereign {

// start() listens and answers /healthz, with /readyz saying "loading"; load() makes it ready. Both and
// drain_and_join() are called from one thread.
class Service {
 public:
  // An empty path: no model is served in this process. Errors: as make_gateway() and HttpServer::start().
  static result<std::unique_ptr<Service>> start(const config::Settings& settings,
                                                std::filesystem::path model_path);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Loads the model and serves it. Errors: as load_model().
  result<void> load();

  // No new connections; returns when the answers under way are finished or drain_timeout is over.
  void drain_and_join();

  // "http://127.0.0.1:8080"
  std::string url() const;
  std::uint16_t port() const { return server_->port(); }
  const std::string& id() const { return model_id_; }

 private:
  Service(const config::Settings& settings, std::filesystem::path model_path);
  result<void> open_proofs();
  result<void> make_pipeline();
  runtime::PipelineParts pipeline_parts(const config::Settings& settings);
  result<void> make_backends();
  server::Router make_router();
  std::shared_ptr<engine::Engine> engine() const;

  config::Settings settings_;
  std::filesystem::path model_path_;
  std::string model_id_;
  // In the order of who outlives whom: the server goes first.
  SteadyClock clock_;
  server::ReadyState ready_;
  server::HttpMetrics http_metrics_;
  runtime::QualityMetrics quality_metrics_;
  std::unique_ptr<cache::ResponseCache> cache_;     // null: off
  std::unique_ptr<server::openai::ChatMemo> memo_;  // with the cache
  Receipts receipts_;
  std::unique_ptr<Gates> gates_;  // null: no envelopes are taken
  server::WorkerPool workers_;    // an engine that ends posts its last jobs here
  std::shared_ptr<const runtime::Pipeline> pipeline_;
  std::shared_ptr<const server::openai::Canary> canary_;  // null: none
  std::unique_ptr<server::RateGate> rate_gate_;           // null: no limits
  server::openai::ModelSlot models_;
  std::unique_ptr<net::EventLoop> loop_;       // with the gateway
  std::shared_ptr<gateway::Gateway> gateway_;  // null: the embedded model answers everything
  std::unique_ptr<Prober> prober_;             // with the gateway
  std::atomic<const server::TransportMetrics*> transport_{nullptr};  // null until the server is there
  std::unique_ptr<server::HttpServer> server_;
};

}  // namespace sovereign
