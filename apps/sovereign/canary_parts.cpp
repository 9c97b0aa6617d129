#include "canary_parts.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "config/canary_keys.h"
#include "config/directories.h"
#include "config/model_store.h"
#include "config/model_table.h"
#include "loaded_model.h"

namespace sovereign {
namespace {

namespace fs = std::filesystem;

// Its folder is made when it is missing.
result<fs::path> state_file(const config::CanarySettings& settings) {
  fs::path file = settings.state_file.empty()
                      ? config::state_directory(config::process_environment()) / "canary.json"
                      : fs::absolute(settings.state_file);
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (!error) return file;
  return fail(ErrorCode::permission_denied,
              fmt::format("cannot make the folder of the canary's state, {}: {}", file.parent_path().string(),
                          error.message()),
              "canary.state_file");
}

// Size and time of the last change; empty: there is no such file.
std::string state_of(const fs::path& file) {
  struct stat is {};
  if (file.empty() || ::stat(file.c_str(), &is) != 0) return {};
  return fmt::format("{} {}.{}", is.st_size, is.st_mtim.tv_sec, is.st_mtim.tv_nsec);
}

std::string state_of_models(const config::Settings& settings, const fs::path& first) {
  const auto store = config::ModelStore::of(config::process_environment());
  std::string text =
      fmt::format("first {} template {} guess {} or {}\n", state_of(first),
                  state_of(settings.model.chat_template), state_of(draft_model_file(settings.engine)),
                  state_of(draft_model_file(config::variant_settings(settings).engine)));
  for (const auto& model : settings.models) {
    const auto file = store.resolve(model.path);
    text += fmt::format("{} {} template {} guess {}\n", model.name, file ? state_of(*file) : std::string(),
                        state_of(model.chat_template),
                        state_of(draft_model_file(config::engine_of(settings, model))));
  }
  return text;
}

}  // namespace

gateway::CanaryConfig canary_config(const config::Settings& settings, const fs::path& first_model) {
  return config::canary_config(settings, state_of_models(settings, first_model));
}

result<std::shared_ptr<const server::openai::Canary>> make_canary(
    const config::Settings& settings, const fs::path& first_model,
    const std::function<runtime::PipelineParts(const config::Settings&)>& parts_for) {
  if (settings.canary.name.empty()) return std::shared_ptr<const server::openai::Canary>();
  const auto file = state_file(settings.canary);
  if (!file) return fail(file.error());
  auto config = canary_config(settings, first_model);
  auto parts = parts_for(config::variant_settings(settings));
  parts.variant = config.name;
  parts.variant_configuration = config.configuration;
  auto trial = runtime::CanaryTrial::open(std::move(config), *file);
  if (!trial) return fail(std::move(trial.error()));
  auto canary = std::make_shared<server::openai::Canary>();
  canary->trial = std::move(*trial);
  canary->overlay = config::canary_overlay(settings.canary);
  canary->pipeline = runtime::make_pipeline(std::move(parts));
  canary->models = settings.canary.models;
  canary->by_client = settings.canary.by_client;
  return canary;
}

}  // namespace sovereign
