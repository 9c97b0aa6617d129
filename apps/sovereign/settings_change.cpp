#include "settings_change.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "config/backend_table.h"
#include "config/key_table.h"
#include "config/load.h"
#include "config/model_table.h"

namespace sovereign {
namespace {

constexpr std::array<std::string_view, 4> kReloadable = {"model", "engine", "routing", "limits"};
// A canary compares answers that were assessed, and reasoned about, alike: with one these wait.
constexpr std::array<std::string_view, 2> kReloadableWithoutCanary = {"quality", "reasoning"};
// Of other sections.
constexpr std::array<std::string_view, 2> kReloadableKeys = {"server.api_key_hashes",
                                                             "server.admin_key_hashes"};

template <std::size_t kSize>
bool is_one_of(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool needs_restart(const config::Key& key, const config::Settings& now) {
  if (is_one_of(kReloadableKeys, key.name) || is_one_of(kReloadable, key.section())) return false;
  return !now.canary.name.empty() || !is_one_of(kReloadableWithoutCanary, key.section());
}

// Each table's keys with their values, by the table's name.
template <class Tables, class Keys>
std::map<std::string, std::string> describe(const config::Settings& settings, const Tables& tables,
                                            std::string_view prefix, const Keys& keys) {
  std::map<std::string, std::string> described;
  for (const auto& table : tables) {
    std::string& text = described[std::string(prefix) + table.name];
    for (const config::Key& key : keys(table.name)) text += config::to_toml(key, key.get(settings)) + "\n";
  }
  return described;
}

std::map<std::string, std::string> describe_tables(const config::Settings& settings) {
  auto tables = describe(settings, settings.models, config::kModelsPrefix, config::model_keys);
  tables.merge(describe(settings, settings.backends, config::kBackendsPrefix, config::backend_keys));
  return tables;
}

}  // namespace

SettingsChange compare_settings(const config::Settings& now, const config::Settings& next) {
  SettingsChange change;
  for (const config::Key& key : config::all_keys()) {
    if (key.get(now) == key.get(next)) continue;
    (needs_restart(key, now) ? change.needs_restart : change.applied).push_back(key.name);
  }
  const auto before = describe_tables(now);
  const auto after = describe_tables(next);
  for (const auto& [name, text] : after) {
    const auto known = before.find(name);
    if (known == before.end() || known->second != text) change.applied.push_back(name);
  }
  for (const auto& [name, text] : before) {
    if (!after.contains(name)) change.applied.push_back(name);
  }
  return change;
}

config::Settings take_over(const config::Settings& now, const config::Settings& next) {
  config::Settings merged = next;
  for (const config::Key& key : config::all_keys()) {
    if (needs_restart(key, now)) key.set(merged, key.get(now));
  }
  return merged;
}

result<void> check_merged(const config::Settings& merged, const SettingsChange& change) {
  const auto errors = config::check_together(merged);
  if (errors.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("with the old values of what waits for a restart ({}): {}",
                          fmt::join(change.needs_restart, ", "), config::join_messages(errors)),
              errors.front().where);
}

}  // namespace sovereign
