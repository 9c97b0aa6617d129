// The models of a configuration, ready to be served: what is loaded already and means the same is used again.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "engine/model_host.h"
#include "server/openai/served_model.h"

namespace sovereign {

// One thread at a time. Clock and host outlive what it gives.
class ModelSet {
 public:
  using Served = std::shared_ptr<const server::openai::ServedModel>;

  ModelSet(engine::ModelHost& host, const Clock& clock) : host_(host), clock_(clock) {}

  // The first model, in memory (an empty path: there is none), and those of [models.NAME], which come when
  // they are asked for. Takes seconds where something is loaded. Errors: as load_model(), naming the model.
  result<std::vector<Served>> prepare(const config::Settings& settings, const std::filesystem::path& first);

  // The first model with the engine that canary.set describes, over the same weights where they are to be the
  // same; null: none is wanted. After prepare(), and the same as its first where nothing differs. Errors: as
  // load_model().
  result<Served> prepare_variant(const config::Settings& settings, const std::filesystem::path& first);

  // What the host may keep in memory from now on, beside the first of `models` and a canary's variant.
  void apply_limits(const config::Settings& settings, const std::vector<Served>& models);

 private:
  result<Served> first_model(const config::Settings& settings, const std::filesystem::path& path);
  result<Served> hosted_model(const config::Settings& settings, const config::HostedModelSettings& model);
  result<std::shared_ptr<const engine::LlamaModel>> weights(const std::filesystem::path& path,
                                                            const engine::EngineConfig& config);

  engine::ModelHost& host_;
  const Clock& clock_;
  // By all that defines them, the state of their files too.
  std::map<std::string, std::weak_ptr<const server::openai::ServedModel>> served_;
  std::map<std::string, std::weak_ptr<const engine::LlamaModel>> weights_;
};

// About how many bytes a model and its engines take in memory, with the model that guesses for them.
std::uint64_t memory_of(const engine::ModelInfo& info, const engine::EngineConfig& config,
                        bool owns_weights = true);

// Of the first model, with the engine that a canary has beside it.
std::uint64_t memory_of_first(const engine::ModelInfo& info, const std::filesystem::path& path,
                              const config::Settings& settings);

}  // namespace sovereign
