#include "canary_parts.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "config/canary_keys.h"
#include "config/directories.h"

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

}  // namespace

result<std::shared_ptr<const server::openai::Canary>> make_canary(
    const config::Settings& settings,
    const std::function<runtime::PipelineParts(const config::Settings&)>& parts_for) {
  if (settings.canary.name.empty()) return std::shared_ptr<const server::openai::Canary>();
  const auto file = state_file(settings.canary);
  if (!file) return fail(file.error());
  auto config = config::canary_config(settings);
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
