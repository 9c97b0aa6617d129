// What a model that can be asked consists of, and the place where handlers find it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat_format.h"
#include "engine/inference_engine.h"
#include "engine/llama_model.h"
#include "gateway/backend.h"
#include "gateway/gateway.h"
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
  std::shared_ptr<engine::InferenceEngine> engine;
  std::shared_ptr<gateway::Backend> backend;  // the same, as queries see it

  bool is_called(std::string_view name) const;
  RequestLimits limits() const;
};

// "fp_" and 10 hex digits that follow from the model and the build.
std::string make_fingerprint(const engine::ModelInfo& model, std::string_view build);

// All that answers, at one time. Immutable; a new configuration makes another one. Hold it until the answer
// is there: nothing in it ends while it is held.
struct Serving {
  std::vector<std::shared_ptr<const ServedModel>> models;  // the first answers those who name none
  std::string first_id;  // of the first of this process, also while it loads; empty: model.enabled is false
  std::shared_ptr<const ServedModel> variant;  // a canary's, in the place of the first; null: none is needed
  std::shared_ptr<gateway::Gateway> gateway;   // null: the first model answers everything
  bool embedded = true;                        // false: no model is served in this process
  bool require_local = false;                  // nothing of any query may leave this process

  // The model of that name (any, when it is empty); null: there is none.
  std::shared_ptr<const ServedModel> find(std::string_view name) const;
  // What requests are read against before it is known which model is meant.
  RequestLimits limits() const;
};
using ServingPtr = std::shared_ptr<const Serving>;

// What is served now. Without models until they are loaded, so that a server can listen before that.
// Thread-safe.
class ServingSlot {
 public:
  // Gives what was served until now.
  ServingPtr set(ServingPtr serving);
  ServingPtr get() const;  // never null

 private:
  mutable std::mutex mutex_;
  ServingPtr serving_ = std::make_shared<const Serving>();
};

}  // namespace sovereign::server::openai
