// A model made ready to answer: weights, chat format, engine.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "engine/chat_format.h"
#include "engine/inference_engine.h"
#include "engine/llama_model.h"
#include "gateway/backend.h"

namespace sovereign {

// What of a model is known without its weights: enough to read requests and to name it.
struct ModelParts {
  std::shared_ptr<const engine::LlamaModel> model;  // with weights, or its vocabulary only
  std::shared_ptr<const engine::ChatFormat> chat_format;
  gateway::BackendIdentity identity;
};

// `chat_template`: a file; empty: the model's own. Errors: as ChatFormat; not_found for the template's file.
result<ModelParts> make_parts(std::shared_ptr<const engine::LlamaModel> model, const std::string& id,
                              const std::string& chat_template, const engine::EngineConfig& config);

std::shared_ptr<gateway::Backend> make_backend(const ModelParts& parts,
                                               std::shared_ptr<engine::InferenceEngine> engine,
                                               Duration stall_after = {});

// Where the model that guesses for another lies; empty: none is wanted, or it is not there.
std::filesystem::path draft_model_file(const engine::EngineConfig& config);

// The model that guesses for another; null where none is wanted. Errors: as LlamaModel; not_found.
result<std::shared_ptr<const engine::LlamaModel>> load_draft_model(const engine::EngineConfig& config);

// Of that model, without loading it; none where none is wanted, or its file cannot be read.
std::optional<engine::ModelInfo> draft_model_info(const engine::EngineConfig& config);

struct LoadedModel {
  std::shared_ptr<const engine::LlamaModel> model;
  std::shared_ptr<const engine::ChatFormat> chat_format;
  std::shared_ptr<engine::InferenceEngine> engine;
  std::shared_ptr<gateway::Backend> backend;  // the three together
};

// Takes seconds. Errors: as LlamaModel, ChatFormat and Engine; not_found for the template's file.
// The clock outlives the engine.
result<LoadedModel> load_model(const std::filesystem::path& path, const config::Settings& settings,
                               const Clock& clock);

// model.name, else the file's name without ".gguf".
std::string model_id(const std::filesystem::path& path, const config::Settings& settings);

// The path of the model in the settings; downloads the default one when that is missing and model.fetch is
// set. `cancelled` is asked during the download.
result<std::filesystem::path> find_model(const config::ModelSettings& settings,
                                         const std::function<bool()>& cancelled);

}  // namespace sovereign
