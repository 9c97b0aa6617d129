#include "model_set.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "config/canary_keys.h"
#include "config/key_table.h"
#include "config/model_store.h"
#include "config/model_table.h"
#include "engine/engine_pool.h"
#include "engine/memory_estimate.h"
#include "loaded_model.h"
#include "server/openai/api_context.h"

namespace sovereign {
namespace {

using server::openai::ServedModel;

constexpr std::uint64_t kMegabyte = 1'000'000;

// Which file it is, and in which state.
std::string stamp(const std::filesystem::path& path) {
  struct stat is {};
  if (path.empty() || ::stat(path.c_str(), &is) != 0) return path.string();
  return fmt::format("{} {} {} {}.{}", path.string(), is.st_ino, is.st_size, is.st_mtim.tv_sec,
                     is.st_mtim.tv_nsec);
}

std::string text_of(const engine::EngineConfig& engine) {
  config::Settings settings;
  settings.engine = engine;
  std::string text = stamp(draft_model_file(engine));
  for (const config::Key& key : config::all_keys()) {
    if (key.section() == "engine") text += fmt::format("|{}", config::to_toml(key, key.get(settings)));
  }
  return text;
}

template <class T>
void forget_gone(std::map<std::string, std::weak_ptr<T>>& known) {
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
}

Error naming(const std::string& model, Error error) {
  error.message = fmt::format("model '{}': {}", model, error.message);
  return error;
}

std::shared_ptr<ServedModel> serve(ModelParts parts, std::string id, std::vector<std::string> aliases,
                                   std::shared_ptr<engine::InferenceEngine> engine, Duration stall_after) {
  auto served = std::make_shared<ServedModel>();
  served->id = std::move(id);
  std::erase_if(aliases, [&](const auto& alias) { return alias.empty() || alias == served->id; });
  served->aliases = std::move(aliases);
  served->created = server::openai::unix_now();
  served->fingerprint = parts.identity.fingerprint;
  served->backend = make_backend(parts, engine, stall_after);
  served->model = std::move(parts.model);
  served->chat_format = std::move(parts.chat_format);
  served->engine = std::move(engine);
  return served;
}

// What makes two copies of a model's weights one.
std::string copy_of(const std::filesystem::path& path, const engine::EngineConfig& config) {
  return fmt::format("{}|{}|{}", stamp(path), config.gpu_layers, static_cast<int>(config.kernels));
}

std::uint64_t pinned_bytes(const config::Settings& settings, const std::vector<ModelSet::Served>& models) {
  if (models.size() == settings.models.size()) return 0;  // there is no first one
  const engine::LlamaModel& first = *models.front()->model;
  return memory_of_first(first.info(), first.path(), settings);
}

// One that could never come into memory would be refused again and again.
result<void> check_budget(const config::Settings& settings, const std::vector<ModelSet::Served>& models) {
  const std::uint64_t budget = settings.model.memory_budget;
  if (budget == 0) return {};
  const std::uint64_t pinned = pinned_bytes(settings, models);
  const std::size_t first_hosted = models.size() - settings.models.size();
  for (std::size_t i = 0; i < settings.models.size(); ++i) {
    const auto& hosted = settings.models[i];
    const std::uint64_t bytes =
        memory_of(models[first_hosted + i]->model->info(), config::engine_of(settings, hosted));
    if (pinned + bytes <= budget) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("model '{}' takes about {} MB, and model.memory_budget ({} MB) has {} MB for it",
                            hosted.name, bytes / kMegabyte, budget / kMegabyte,
                            (budget - std::min(budget, pinned)) / kMegabyte),
                "model.memory_budget");
  }
  return {};
}

}  // namespace

std::uint64_t memory_of(const engine::ModelInfo& info, const engine::EngineConfig& config,
                        bool owns_weights) {
  const auto draft = draft_model_info(config);
  return engine::estimate_memory(info, config, draft ? &*draft : nullptr, owns_weights);
}

std::uint64_t memory_of_first(const engine::ModelInfo& info, const std::filesystem::path& path,
                              const config::Settings& settings) {
  const std::uint64_t bytes = memory_of(info, settings.engine);
  if (!config::canary_overlay(settings.canary).engine) return bytes;
  const auto variant = config::variant_settings(settings).engine;
  if (text_of(variant) == text_of(settings.engine)) return bytes;  // one engine for both
  return bytes + memory_of(info, variant, copy_of(path, variant) != copy_of(path, settings.engine));
}

result<std::vector<ModelSet::Served>> ModelSet::prepare(const config::Settings& settings,
                                                        const std::filesystem::path& first) {
  forget_gone(served_);
  forget_gone(weights_);
  std::vector<Served> models;
  if (!first.empty()) {
    auto served = first_model(settings, first);
    if (!served) return fail(served.error());
    models.push_back(std::move(*served));
  }
  for (const auto& model : settings.models) {
    auto served = hosted_model(settings, model);
    if (!served) return fail(naming(model.name, served.error()));
    models.push_back(std::move(*served));
  }
  if (const auto fits = check_budget(settings, models); !fits) return fail(fits.error());
  return models;
}

result<ModelSet::Served> ModelSet::prepare_variant(const config::Settings& settings,
                                                   const std::filesystem::path& first) {
  if (first.empty() || !config::canary_overlay(settings.canary).engine) return nullptr;
  return first_model(config::variant_settings(settings), first);
}

result<std::shared_ptr<const engine::LlamaModel>> ModelSet::weights(const std::filesystem::path& path,
                                                                    const engine::EngineConfig& config) {
  auto& known = weights_[copy_of(path, config)];
  if (auto model = known.lock()) return model;
  auto model = engine::LlamaModel::load(path, config.gpu_layers, config.kernels);
  if (model) known = *model;
  return model;
}

result<ModelSet::Served> ModelSet::first_model(const config::Settings& settings,
                                               const std::filesystem::path& path) {
  const std::string id = model_id(path, settings);
  auto& known = served_[fmt::format("first|{}|{}|{}{}", id, stamp(path), stamp(settings.model.chat_template),
                                    text_of(settings.engine))];
  if (auto served = known.lock()) return served;
  auto model = weights(path, settings.engine);
  if (!model) return fail(model.error());
  auto parts = make_parts(*model, id, settings.model.chat_template, settings.engine);
  if (!parts) return fail(parts.error());
  const auto draft = load_draft_model(settings.engine);
  if (!draft) return fail(draft.error());
  auto engine = engine::start_engines(*model, settings.engine, clock_, *draft);
  if (!engine) return fail(engine.error());
  const std::string name = (*model)->info().name;
  Served served = serve(std::move(*parts), id, {path.stem().string(), name}, std::move(*engine),
                        settings.server.stall_after);
  known = served;
  return served;
}

result<ModelSet::Served> ModelSet::hosted_model(const config::Settings& settings,
                                                const config::HostedModelSettings& model) {
  const auto path = config::ModelStore::of(config::process_environment()).resolve(model.path);
  if (!path) return fail(path.error());
  const engine::EngineConfig config = config::engine_of(settings, model);
  const std::string made_of = stamp(*path);
  std::string key =
      fmt::format("{}|{}|{}{}", model.name, made_of, stamp(model.chat_template), text_of(config));
  for (const auto& alias : model.aliases) key += "|" + alias;
  auto& known = served_[key];
  if (auto served = known.lock()) return served;
  auto vocabulary = engine::LlamaModel::load_vocabulary(*path);
  if (!vocabulary) return fail(vocabulary.error());
  auto parts = make_parts(*vocabulary, model.name, model.chat_template, config);
  if (!parts) return fail(parts.error());
  const auto& info = (*vocabulary)->info();
  engine::HostedModel hosted;
  hosted.name = model.name;
  hosted.bytes = memory_of(info, config);
  hosted.context_tokens = info.train_context_tokens > 0
                              ? std::min(config.context_tokens, info.train_context_tokens)
                              : config.context_tokens;
  hosted.load = [path = *path, config, made_of,
                 &clock = clock_]() -> result<std::shared_ptr<engine::InferenceEngine>> {
    auto weights = engine::LlamaModel::load(path, config.gpu_layers, config.kernels);
    if (!weights) return fail(weights.error());
    // Vocabulary, template and digest, which keys of answers and receipts hold, are those of the other file.
    if (stamp(path) != made_of) {
      return fail(
          ErrorCode::unavailable,
          fmt::format("{} is not the file that it was: reload the configuration to serve it", path.string()),
          "models");
    }
    const auto draft = load_draft_model(config);
    if (!draft) return fail(draft.error());
    auto engine = engine::start_engines(*weights, config, clock, *draft);
    if (!engine) return fail(engine.error());
    return std::shared_ptr<engine::InferenceEngine>(std::move(*engine));
  };
  Served served = serve(std::move(*parts), model.name, model.aliases, host_.add(std::move(hosted)),
                        settings.server.stall_after);
  known = served;
  return served;
}

void ModelSet::apply_limits(const config::Settings& settings, const std::vector<Served>& models) {
  engine::ModelHostConfig config;
  config.residency.budget_bytes = settings.model.memory_budget;
  config.load_timeout = settings.model.load_timeout;
  config.max_waiting = settings.engine.max_queued;
  host_.configure(config);
  host_.set_pinned_bytes(pinned_bytes(settings, models));
}

}  // namespace sovereign
