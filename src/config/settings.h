// Everything an operator can set, as one plain value. key_table.h documents each field.
#pragma once

#include <string>

#include "base/logging.h"
#include "engine/engine_config.h"
#include "server/server_config.h"

namespace sovereign::config {

struct ModelSettings {
  std::string path;           // a GGUF file, or a name in the models directory; empty: the default model
  std::string name;           // how clients call it; empty: the file's stem
  std::string chat_template;  // file with a Jinja template; empty: the model's own
  bool fetch = false;         // `serve` and `ask` may download the default model when it is missing
};

struct Settings {
  ModelSettings model;
  engine::EngineConfig engine;
  server::ServerConfig server;
  LogSettings log;
};

}  // namespace sovereign::config
