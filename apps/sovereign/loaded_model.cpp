#include "loaded_model.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/build_info.h"
#include "base/file_digest.h"
#include "config/directories.h"
#include "config/model_fetch.h"
#include "config/model_store.h"
#include "engine/engine.h"
#include "gateway/llama_backend.h"
#include "server/openai/served_model.h"

namespace sovereign {
namespace {

result<std::string> read_template(const std::string& file) {
  if (file.empty()) return std::string();
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.is_open() && !in.bad() && !text.empty()) return text;
  return fail(ErrorCode::not_found, fmt::format("cannot read the chat template {}", file),
              "model.chat_template");
}

bool has_draft_model(const engine::EngineConfig& config) {
  return config.speculation == engine::Speculation::draft && !config.draft_model.empty();
}

}  // namespace

std::filesystem::path draft_model_file(const engine::EngineConfig& config) {
  if (!has_draft_model(config)) return {};
  return config::ModelStore::of(config::process_environment()).resolve(config.draft_model).value_or("");
}

result<std::shared_ptr<const engine::LlamaModel>> load_draft_model(const engine::EngineConfig& config) {
  if (!has_draft_model(config)) return nullptr;
  const auto path = config::ModelStore::of(config::process_environment()).resolve(config.draft_model);
  if (!path) return fail(path.error());
  return engine::LlamaModel::load(*path, config.gpu_layers, config.kernels);
}

std::optional<engine::ModelInfo> draft_model_info(const engine::EngineConfig& config) {
  if (!has_draft_model(config)) return std::nullopt;
  const auto path = config::ModelStore::of(config::process_environment()).resolve(config.draft_model);
  if (!path) return std::nullopt;
  auto info = engine::LlamaModel::inspect(*path);
  if (!info) return std::nullopt;
  return std::move(*info);
}

result<ModelParts> make_parts(std::shared_ptr<const engine::LlamaModel> model, const std::string& id,
                              const std::string& chat_template, const engine::EngineConfig& config) {
  const auto own_template = read_template(chat_template);
  if (!own_template) return fail(own_template.error());
  auto format = engine::ChatFormat::create(*model, *own_template);
  if (!format) return fail(format.error());
  const auto folder = config::cache_directory(config::process_environment()) / "digests";
  const auto weights = remembered_sha256_file(model->path(), folder);
  if (!weights) return fail(weights.error());
  ModelParts parts;
  parts.model = std::move(model);
  parts.chat_format = std::move(*format);
  gateway::BackendIdentity& identity = parts.identity;
  identity.model = id;
  identity.fingerprint = server::openai::make_fingerprint(
      parts.model->info(), fmt::format("{} {}", build_info::version, build_info::git_commit));
  identity.digest = gateway::answer_digest(*weights, *parts.chat_format, config);
  identity.weights = *weights;
  identity.settings = gateway::answer_settings(*parts.chat_format, config);
  identity.tells_date = engine::may_tell_date(parts.chat_format->template_source());
  return parts;
}

std::shared_ptr<gateway::Backend> make_backend(const ModelParts& parts,
                                               std::shared_ptr<engine::InferenceEngine> engine,
                                               Duration stall_after) {
  return std::make_shared<gateway::LlamaBackend>(parts.identity, parts.model, parts.chat_format,
                                                 std::move(engine), stall_after);
}

result<LoadedModel> load_model(const std::filesystem::path& path, const config::Settings& settings,
                               const Clock& clock) {
  LoadedModel loaded;
  auto model = engine::LlamaModel::load(path, settings.engine.gpu_layers, settings.engine.kernels);
  if (!model) return fail(model.error());
  auto parts =
      make_parts(std::move(*model), model_id(path, settings), settings.model.chat_template, settings.engine);
  if (!parts) return fail(parts.error());
  auto draft = load_draft_model(settings.engine);
  if (!draft) return fail(draft.error());
  auto engine = engine::Engine::start(parts->model, settings.engine, clock, std::move(*draft));
  if (!engine) return fail(engine.error());
  loaded.engine = std::move(*engine);
  loaded.backend = make_backend(*parts, loaded.engine);
  loaded.model = std::move(parts->model);
  loaded.chat_format = std::move(parts->chat_format);
  return loaded;
}

std::string model_id(const std::filesystem::path& path, const config::Settings& settings) {
  return settings.model.name.empty() ? path.stem().string() : settings.model.name;
}

result<std::filesystem::path> find_model(const config::ModelSettings& settings,
                                         const std::function<bool()>& cancelled) {
  const auto store = config::ModelStore::of(config::process_environment());
  auto path = store.resolve(settings.path);
  if (path || !settings.fetch || !settings.path.empty()) return path;
  config::FetchOptions options;
  options.folder = store.folder();
  options.cancelled = cancelled;
  options.on_stage = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  return config::fetch_model(config::default_model(), options);
}

}  // namespace sovereign
