#include "config/example.h"

#include <fmt/format.h>

#include "config/backend_table.h"
#include "config/key_table.h"

namespace sovereign::config {
namespace {

constexpr std::size_t kWidth = 100;

// `text` as comment lines of at most kWidth columns.
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (line.size() + 1 + space > kWidth) {
      out += line + "\n";
      line.assign(1, '#');
    }
    line += " ";
    line += text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out + line + "\n";
}

}  // namespace

std::string example_file() {
  std::string out =
      "# Sovereign Runtime: every setting, at its default.\n"
      "#\n"
      "# Searched for in $SOVEREIGN_CONFIG, $XDG_CONFIG_HOME/sovereign/sovereign.toml (by default in\n"
      "# ~/.config) and /etc/sovereign/sovereign.toml; --config names another. The environment overrides it\n"
      "# (SOVEREIGN_SERVER_PORT=9000), and flags override both (--server.port 9000). Durations are written\n"
      "# \"500ms\", \"30s\", \"10m\", \"2h\"; sizes 65536, \"64KiB\", \"4MiB\". Relative paths start from "
      "this file's\n"
      "# folder. 'sovereign config check' looks for mistakes.\n";
  Settings defaults;
  for (const Section& section : all_sections()) {
    out += fmt::format("\n[{}]\n# {}\n", section.name, section.help);
    for (const Key& key : all_keys()) {
      if (key.section() != section.name) continue;
      out += fmt::format("\n{}", comment(key.help));
      out += comment(fmt::format("({}{})", describe_type(key), key.flag.empty() ? "" : "; flag " + key.flag));
      out += fmt::format("#{} = {}\n", key.last_name(), to_toml(key, key.get(defaults)));
    }
  }
  out += "\n";
  out += comment(
      "One section for each server that may answer in place of the model in this process, or beside "
      "it: docs/gateway.md.");
  out += "#[backends.rack]\n";
  defaults.backends.emplace_back().name = "rack";
  for (const Key& key : backend_keys("rack")) {
    const bool is_preset = key.name.ends_with(".preset");  // the one that could stand alone
    const Value value = is_preset ? Value(std::string("vllm")) : key.get(defaults);
    out += fmt::format("\n{}", comment(key.help));
    out += comment(fmt::format("({})", describe_type(key)));
    out += fmt::format("#{} = {}\n", key.name.substr(key.name.rfind('.') + 1), to_toml(key, value));
  }
  return out;
}

}  // namespace sovereign::config
