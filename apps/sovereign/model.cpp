// sovereign model: the models of this machine.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <boost/json.hpp>
#include <csignal>
#include <cstdio>
#include <memory>

#include "base/sha256.h"
#include "command.h"
#include "config/model_fetch.h"
#include "config/model_store.h"
#include "console.h"
#include "engine/llama_model.h"
#include "settings_flags.h"
#include "signals.h"

namespace sovereign {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

config::ModelStore store() { return config::ModelStore::of(config::process_environment()); }

int list_models(bool as_json) {
  const auto models = store().list();
  if (as_json) {
    json::array array;
    for (const auto& model : models) {
      array.push_back({{"name", model.name}, {"path", model.path.string()}, {"bytes", model.bytes}});
    }
    fmt::print("{}\n", json::serialize(array));
    return kExitOk;
  }
  for (const auto& model : models) {
    fmt::print("{:<40} {:>10}  {}\n", model.name, human_bytes(model.bytes), model.path.string());
  }
  if (models.empty()) {
    fmt::print(stderr, "no models in {}; 'sovereign model fetch' brings the default one\n",
               store().folder().string());
  }
  return kExitOk;
}

json::object to_json(const engine::ModelInfo& info, const fs::path& path, const std::string& sha256) {
  return {{"path", path.string()},
          {"sha256", sha256},
          {"name", info.name},
          {"architecture", info.architecture},
          {"description", info.description},
          {"quantization", info.quantization},
          {"parameters", info.parameters},
          {"bytes", info.bytes},
          {"train_context_tokens", info.train_context_tokens},
          {"embedding_size", info.embedding_size},
          {"layers", info.layers},
          {"vocabulary_size", info.vocabulary_size},
          {"has_chat_template", info.has_chat_template},
          {"can_generate", info.can_generate},
          {"can_embed", info.can_embed},
          {"can_share_prefix", info.can_share_prefix}};
}

int show_model(const std::string& name, bool as_json) {
  const auto path = store().resolve(name);
  if (!path) return print_failure(path.error());
  const auto model = engine::LlamaModel::load(*path, 0);
  if (!model) return print_failure(model.error());
  const auto digest = sha256_file(*path);
  if (!digest) return print_failure(digest.error());
  const json::object object = to_json((*model)->info(), *path, to_hex(*digest));
  if (as_json) {
    fmt::print("{}\n", json::serialize(object));
    return kExitOk;
  }
  for (const auto& [key, value] : object) {
    const std::string text = value.is_string() ? std::string(value.as_string()) : json::serialize(value);
    fmt::print("{:<22}{}\n", std::string_view(key), text);
  }
  return kExitOk;
}

int fetch(const std::string& package) {
  std::atomic<bool> cancelled{false};
  const SignalThread signals([&cancelled](int) { cancelled = true; });
  config::FetchOptions options;
  options.folder = store().folder();
  options.package = package;
  options.cancelled = [&cancelled] { return cancelled.load(); };
  options.on_stage = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  const auto path = config::fetch_model(config::default_model(), options);
  if (!path) return print_failure(path.error());
  fmt::print("{}\n", path->string());
  return kExitOk;
}

int print_path(const SettingsFlags& flags, const std::string& name) {
  const auto loaded = flags.load_or_print();
  if (!loaded) return kExitUsage;
  const auto path = store().resolve(name.empty() ? loaded->settings.model.path : name);
  if (!path) return print_failure(path.error());
  fmt::print("{}\n", path->string());
  return kExitOk;
}

}  // namespace

void add_model_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("model", "List, describe, fetch and find models");
  command->require_subcommand(1);

  auto as_json = std::make_shared<bool>(false);
  CLI::App* list = command->add_subcommand("list", "List the models of the models directory");
  list->add_flag("--json", *as_json, "Print JSON");
  list->callback([as_json, &exit_code] { exit_code = list_models(*as_json); });

  auto name = std::make_shared<std::string>();
  CLI::App* info = command->add_subcommand("info", "Describe a model file and print its SHA-256");
  info->add_option("model", *name, "File or name of a model; the default model when absent")
      ->type_name("FILE");
  info->add_flag("--json", *as_json, "Print JSON");
  info->callback([name, as_json, &exit_code] { exit_code = show_model(*name, *as_json); });

  auto package = std::make_shared<std::string>();
  CLI::App* fetching = command->add_subcommand("fetch", "Download the default model and check its SHA-256");
  fetching->add_option("--package", *package, "Take it from this package file instead of downloading")
      ->type_name("FILE");
  fetching->callback([package, &exit_code] { exit_code = fetch(*package); });

  CLI::App* path = command->add_subcommand("path", "Print the path of the model that 'serve' would load");
  auto flags = std::make_shared<SettingsFlags>(*path, std::vector<std::string_view>{"model"});
  path->add_option("name", *name, "A model's name, in place of the configured one")->type_name("FILE");
  path->callback([flags, name, &exit_code] { exit_code = print_path(*flags, *name); });
}

}  // namespace sovereign
