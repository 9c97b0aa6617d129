#include "config/directories.h"

#include <unistd.h>

#include <string_view>

namespace sovereign::config {
namespace {

namespace fs = std::filesystem;

// The specification has relative paths in these variables ignored.
fs::path absolute_or_empty(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  if (found == environment.end()) return {};
  fs::path path = found->second;
  return path.is_absolute() ? path : fs::path();
}

fs::path base(const Environment& environment, const char* variable, const char* below_home) {
  fs::path path = absolute_or_empty(environment, variable);
  if (!path.empty()) return path / "sovereign";
  path = absolute_or_empty(environment, "HOME");
  return path.empty() ? path : path / below_home / "sovereign";
}

}  // namespace

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

fs::path config_directory(const Environment& environment) {
  return base(environment, "XDG_CONFIG_HOME", ".config");
}

fs::path state_directory(const Environment& environment) {
  const fs::path path = base(environment, "XDG_STATE_HOME", ".local/state");
  return path.empty() ? fs::path("/var/lib/sovereign") : path;
}

fs::path cache_directory(const Environment& environment) {
  const fs::path path = base(environment, "XDG_CACHE_HOME", ".cache");
  return path.empty() ? fs::path("/var/cache/sovereign") : path;
}

}  // namespace sovereign::config
