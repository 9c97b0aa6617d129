// What a model that can be asked consists of, and the place where handlers find it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat_format.h"
#include "engine/engine.h"
#include "engine/llama_model.h"
#include "gateway/backend.h"
#include "server/openai/generation_options.h"

namespace sovereign::server::openai {

// Immutable once served. The engine's last owner must not be its own thread.
struct ServedModel {
  std::string id;                    // what clients call it
  std::vector<std::string> aliases;  // other names they may use
  std::int64_t created = 0;          // Unix seconds, for the models list
  std::string fingerprint;           // system_fingerprint
  std::shared_ptr<const engine::LlamaModel> model;
  std::shared_ptr<const engine::ChatFormat> chat_format;
  std::shared_ptr<engine::Engine> engine;
  std::shared_ptr<gateway::Backend> backend;  // the same, as queries see it

  bool is_called(std::string_view name) const;
  RequestLimits limits() const;
};

// "fp_" and 10 hex digits that follow from the model and the build.
std::string make_fingerprint(const engine::ModelInfo& model, std::string_view build);

// Empty until the model is loaded, so that a server can listen before that. Thread-safe.
class ModelSlot {
 public:
  void set(std::shared_ptr<const ServedModel> model);
  std::shared_ptr<const ServedModel> get() const;  // null while loading

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ServedModel> model_;
};

}  // namespace sovereign::server::openai
