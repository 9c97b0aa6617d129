#include "settings_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "base/logging.h"
#include "config/key_table.h"

namespace sovereign {
namespace {

using config::Key;
using config::Kind;

// What help shows for the value; completion reads "a|b" as the words to offer and FILE as a path.
std::string type_name(const Key& key) {
  switch (key.kind) {
    case Kind::boolean: return "";
    case Kind::integer: return "N";
    case Kind::real: return "X";
    case Kind::size: return "SIZE";
    case Kind::duration: return "TIME";
    case Kind::text: return "TEXT";
    case Kind::choice: return fmt::format("{}", fmt::join(key.choices, "|"));
    case Kind::path: return "FILE";
    case Kind::model: return "FILE";
    case Kind::list: return "LIST";
  }
  return "";
}

std::string help(const Key& key) {
  return fmt::format("{} [{}]", key.help, config::to_toml(key, key.get(config::Settings{})));
}

}  // namespace

SettingsFlags::SettingsFlags(CLI::App& command, const std::vector<std::string_view>& sections) {
  command.add_option("--config", file_, "Configuration file; see 'sovereign config example'")
      ->type_name("FILE");
  for (const Key& key : config::all_keys()) {
    if (std::find(sections.begin(), sections.end(), key.section()) != sections.end()) add(command, key);
  }
}

void SettingsFlags::add(CLI::App& command, const Key& key) {
  Flag& flag = flags_.emplace_back(Flag{&key, {}, nullptr});
  const std::string names = key.flag.empty() ? key.long_flag() : key.flag + "," + key.long_flag();
  if (key.kind == Kind::boolean) {
    flag.option = command.add_flag(names, flag.text, help(key));
  } else {
    flag.option = command.add_option(names, flag.text, help(key))->type_name(type_name(key));
    if (key.kind == Kind::list) {
      flag.option->join(',');
    } else {
      flag.option->take_last();
    }
  }
  flag.option->group(fmt::format("Settings [{}]", key.section()));
}

config::all_or_errors<config::Loaded> SettingsFlags::load() const {
  config::Inputs inputs;
  inputs.file = file_;
  inputs.environment = config::process_environment();
  for (const Flag& flag : flags_) {
    if (flag.option->count() == 0) continue;
    inputs.flags.push_back(
        {flag.key->name, flag.key->flag.empty() ? flag.key->long_flag() : flag.key->flag, flag.text});
  }
  return config::load(inputs);
}

std::optional<config::Loaded> SettingsFlags::load_or_print() const {
  auto loaded = load();
  if (!loaded) {
    fmt::print(stderr, "{}\n", config::join_messages(loaded.error()));
    return std::nullopt;
  }
  if (const auto started = start_logging(loaded->settings.log); !started) {
    fmt::print(stderr, "sovereign: {}\n", started.error().message);
    return std::nullopt;
  }
  return std::move(*loaded);
}

}  // namespace sovereign
