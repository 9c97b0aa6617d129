// Models that come into memory when they are asked for, and leave it for others within a budget.
//
// The shell around Residency: it holds the requests that wait, loads and unloads on a thread of its own, and
// counts who uses what. A model that is added looks like an engine that is always there; a request to it
// waits for the weights, at most `load_timeout`, and is then told so (unavailable; deadline_exceeded where
// its own deadline comes first). A model that cannot be loaded fails those who waited for it (unavailable,
// with the loader's words), and is tried again by later requests.
//
// Thread-safe. Destruction cancels what is left; the engines that add() gave may outlive the host, and then
// refuse (unavailable).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "engine/inference_engine.h"
#include "engine/residency.h"

namespace sovereign::engine {

struct ModelHostConfig {
  ResidencyConfig residency;
  Duration load_timeout = std::chrono::seconds(120);  // longest wait of a request for its model
  std::uint32_t max_waiting = 512;                    // requests that wait; one more is refused
};

struct HostedModel {
  std::string name;         // for messages
  std::uint64_t bytes = 0;  // in memory, with its context
  std::uint32_t context_tokens = 0;
  // Makes its engine; seconds, on a thread of the host.
  std::function<result<std::shared_ptr<InferenceEngine>>()> load;
};

class ModelHost {
 public:
  // The clock outlives host and engines.
  ModelHost(const ModelHostConfig& config, const Clock& clock);
  ~ModelHost();
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;

  // From the next decision on.
  void configure(const ModelHostConfig& config);
  // What other models, which never leave, take of the budget.
  void set_pinned_bytes(std::uint64_t bytes);

  // The model is forgotten when its engine is destroyed; who waits then fails, who is being answered goes on.
  std::shared_ptr<InferenceEngine> add(HostedModel model);

  // Bytes of the models in memory, the pinned ones too.
  std::uint64_t bytes_in_use() const;

 private:
  class State;
  class Hosted;
  class UserSink;
  std::shared_ptr<State> state_;
};

}  // namespace sovereign::engine
