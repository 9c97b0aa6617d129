// sovereign config: the commented example, a check, and the values in force with where each came from.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <memory>

#include "command.h"
#include "config/backend_table.h"
#include "config/example.h"
#include "config/key_table.h"
#include "config/model_table.h"
#include "settings_flags.h"

namespace sovereign {
namespace {

namespace json = boost::json;

const std::vector<std::string_view> kAllSections = {"model",   "engine",    "server",   "cache",
                                                    "quality", "reasoning", "receipts", "envelopes",
                                                    "routing", "limits",    "canary",   "log"};

int check(const SettingsFlags& flags) {
  const auto loaded = flags.load();
  if (!loaded) {
    fmt::print(stderr, "{}\n", config::join_messages(loaded.error()));
    return kExitUsage;
  }
  fmt::print("ok: {}\n", loaded->file.empty() ? "no configuration file; defaults, environment and flags"
                                              : loaded->file.string());
  return kExitOk;
}

template <class Tables, class Keys>
void show_tables(const config::Settings& settings, const Tables& tables, std::string_view prefix,
                 const Keys& keys, bool as_json, json::object& object) {
  for (const auto& table : tables) {
    if (!as_json) fmt::print("\n[{}{}]\n", prefix, table.name);
    for (const config::Key& key : keys(table.name)) {
      const std::string value = config::to_toml(key, key.get(settings));
      if (as_json) {
        object[key.name] = {{"value", value}};
      } else {
        fmt::print("{} = {}\n", key.name.substr(key.name.rfind('.') + 1), value);
      }
    }
  }
}

int show(const SettingsFlags& flags, bool as_json) {
  const auto loaded = flags.load();
  if (!loaded) {
    fmt::print(stderr, "{}\n", config::join_messages(loaded.error()));
    return kExitUsage;
  }
  const auto keys = config::all_keys();
  json::object object;
  std::string section;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const config::Key& key = keys[i];
    const std::string value = config::to_toml(key, key.get(loaded->settings));
    if (as_json) {
      object[key.name] = {{"value", value}, {"origin", loaded->origins[i]}};
      continue;
    }
    if (key.section() != section) {
      fmt::print("{}[{}]\n", section.empty() ? "" : "\n", key.section());
      section = key.section();
    }
    fmt::print("{:<44} # {}\n", fmt::format("{} = {}", key.last_name(), value), loaded->origins[i]);
  }
  const config::Settings& settings = loaded->settings;
  show_tables(settings, settings.models, config::kModelsPrefix, config::model_keys, as_json, object);
  show_tables(settings, settings.backends, config::kBackendsPrefix, config::backend_keys, as_json, object);
  if (as_json) fmt::print("{}\n", json::serialize(object));
  return kExitOk;
}

}  // namespace

void add_config_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("config", "Show and check the configuration");
  command->require_subcommand(1);

  CLI::App* example =
      command->add_subcommand("example", "Print a configuration file with every key explained");
  example->callback([] { fmt::print("{}", config::example_file()); });

  CLI::App* checking = command->add_subcommand("check", "Look for mistakes in file, environment and flags");
  auto check_flags = std::make_shared<SettingsFlags>(*checking, kAllSections);
  checking->callback([check_flags, &exit_code] { exit_code = check(*check_flags); });

  CLI::App* showing = command->add_subcommand("show", "Print the values in force and where each came from");
  auto show_flags = std::make_shared<SettingsFlags>(*showing, kAllSections);
  auto as_json = std::make_shared<bool>(false);
  showing->add_flag("--json", *as_json, "Print JSON: key to TOML value and origin");
  showing->callback([show_flags, as_json, &exit_code] { exit_code = show(*show_flags, *as_json); });
}

}  // namespace sovereign
