// Everything an operator can set, as one plain value. key_table.h documents each field.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/logging.h"
#include "config/value.h"
#include "crypto/merkle_log.h"
#include "engine/engine_config.h"
#include "gateway/remote_config.h"
#include "gateway/tier.h"
#include "runtime/quality_policy.h"
#include "runtime/reasoning_policy.h"
#include "runtime/receipt_mode.h"
#include "server/limits/limits_config.h"
#include "server/server_config.h"

namespace sovereign::config {

struct ModelSettings {
  bool enabled = true;        // serve a model in this process; false: backends answer everything
  std::string path;           // a GGUF file, or a name in the models directory; empty: the default model
  std::string name;           // how clients call it; empty: the file's stem
  std::string chat_template;  // file with a Jinja template; empty: the model's own
  bool fetch = false;         // `serve` and `ask` may download the default model when it is missing
  std::uint64_t memory_budget = 0;                  // bytes of all models in memory; 0: no limit
  std::chrono::milliseconds load_timeout{120'000};  // longest wait of a request for its model
};

// A model beside the first, in memory while it is asked for; model_table.h documents its keys.
struct HostedModelSettings {
  std::string name;  // how clients call it
  std::string path;  // a GGUF file, or a name in the models directory
  std::vector<std::string> aliases;
  gateway::Tier tier = gateway::Tier::edge;
  std::uint32_t priority = 1;
  std::string chat_template;            // as of the first
  std::map<std::string, Value> engine;  // by their names in [engine]; the rest is as there
};

// Of the response cache.
struct CacheSettings {
  bool enabled = true;
  std::uint32_t max_entries = 100'000;
  std::uint64_t max_bytes = 256ull * 1024 * 1024;  // of memory
  std::chrono::milliseconds time_to_live{0};       // 0: answers have no end
  std::string disk_path;                           // a file; empty: memory only
  std::uint64_t disk_max_bytes = 1024ull * 1024 * 1024;
  std::string redis_url;                        // of a server that several nodes share; empty: none
  std::chrono::milliseconds redis_timeout{50};  // of one wait for it
};

// Of receipts: docs/proof.md.
struct ReceiptSettings {
  runtime::ReceiptMode mode = runtime::ReceiptMode::on_request;
  std::string folder;    // of the log; empty: receipts/ in the state folder (directories.h)
  std::string key_file;  // made by `sovereign keys new`; empty: signing.key in the configuration folder
  std::string passphrase_file;  // of the key; empty: it has none
  crypto::MerkleLog::Sync sync = crypto::MerkleLog::Sync::on_checkpoint;
  std::chrono::milliseconds checkpoint_interval{1'000};
};

// Of signed envelopes, which POST /v1/query takes when there is somebody whose envelopes count.
struct EnvelopeSettings {
  std::vector<std::string> senders;    // "name=ed25519:…"; none: no envelopes are taken
  bool required = false;               // a query must come in one
  std::string policy;                  // the text that senders sign the digest of
  std::uint32_t ihsan_min = 9'500;     // of a query's scores, in 1/10,000; 0: none are needed
  std::string folder;                  // of the used nonces; empty: nonces/ in the state folder
  std::uint32_t max_nonces = 262'144;  // remembered at once; one more is refused
  std::chrono::milliseconds past{120'000};
  std::chrono::milliseconds future{10'000};
  std::uint32_t rate_per_second = 0;  // of one client; 0: no limit
  std::uint32_t rate_burst = 20;
};

// Which backend answers what; docs/gateway.md. Tiers go by their names.
struct RoutingSettings {
  std::uint32_t local_from = 35;
  std::uint32_t pool_from = 70;
  std::vector<std::string> edge_fallback = {"local", "pool"};
  std::vector<std::string> local_fallback = {"pool", "edge"};
  std::vector<std::string> pool_fallback = {"local", "edge"};
  bool require_local = false;
  std::chrono::milliseconds probe_interval{10'000};
  std::uint32_t breaker_failures = 5;
  std::chrono::milliseconds breaker_open_for{5'000};
};

// A variant on trial; docs/canary.md.
struct CanarySettings {
  std::string name;  // empty: none
  double share = 0.1;
  bool by_client = false;
  std::vector<std::string> models;
  std::string model;
  std::optional<gateway::Tier> tier;
  std::string system;
  std::vector<std::string> set;  // "key=value"
  double margin = 0.1;
  double alpha = 0.01;
  bool promote_when_fine = false;
  std::chrono::milliseconds promote_after{3'600'000};
  std::string state_file;  // empty: canary.json in the state folder
};

struct Settings {
  ModelSettings model;
  engine::EngineConfig engine;
  server::ServerConfig server;
  CacheSettings cache;
  ReceiptSettings receipts;
  EnvelopeSettings envelopes;
  runtime::QualityPolicy quality;
  runtime::ReasoningPolicy reasoning;
  RoutingSettings routing;
  server::LimitsConfig limits;
  CanarySettings canary;
  std::vector<HostedModelSettings> models;      // in the file's order
  std::vector<gateway::RemoteConfig> backends;  // in the file's order; backend_table.h documents their keys
  LogSettings log;
};

}  // namespace sovereign::config
