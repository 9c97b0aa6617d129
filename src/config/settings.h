// Everything an operator can set, as one plain value. key_table.h documents each field.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/logging.h"
#include "engine/engine_config.h"
#include "runtime/quality_policy.h"
#include "runtime/reasoning_policy.h"
#include "server/server_config.h"

namespace sovereign::config {

struct ModelSettings {
  std::string path;           // a GGUF file, or a name in the models directory; empty: the default model
  std::string name;           // how clients call it; empty: the file's stem
  std::string chat_template;  // file with a Jinja template; empty: the model's own
  bool fetch = false;         // `serve` and `ask` may download the default model when it is missing
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

struct Settings {
  ModelSettings model;
  engine::EngineConfig engine;
  server::ServerConfig server;
  CacheSettings cache;
  runtime::QualityPolicy quality;
  runtime::ReasoningPolicy reasoning;
  LogSettings log;
};

}  // namespace sovereign::config
