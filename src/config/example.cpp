#include "config/example.h"

#include <fmt/format.h>

#include "config/backend_table.h"
#include "config/key_table.h"
#include "config/model_table.h"

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
  // The keys of one table of which there may be many; `example` stands for the first key's default.
  const auto add_table = [&](std::string_view about, const std::string& table, const std::vector<Key>& keys,
                             const Value& example) {
    out += "\n";
    out += comment(about);
    out += fmt::format("#[{}]\n", table);
    for (const Key& key : keys) {
      const bool is_first = &key == &keys.front();
      out += fmt::format("\n{}", comment(key.help));
      out += comment(fmt::format("({})", describe_type(key)));
      out += fmt::format("#{} = {}\n", key.name.substr(key.name.rfind('.') + 1),
                         to_toml(key, is_first ? example : key.get(defaults)));
    }
  };
  defaults.models.emplace_back().name = "large";
  auto of_model = model_keys("large");
  std::erase_if(of_model, [](const Key& key) {
    return find_key("engine." + key.name.substr(key.name.rfind('.') + 1)) != nullptr;
  });
  add_table(
      "One section for each model beside the first, which comes into memory when it is asked for. Each may "
      "have "
      "any key of [engine] as its own.",
      "models.large", of_model, std::string("large.gguf"));
  defaults.backends.emplace_back().name = "rack";
  add_table(
      "One section for each server that may answer in place of the model in this process, or beside "
      "it: docs/gateway.md.",
      "backends.rack", backend_keys("rack"), std::string("vllm"));
  return out;
}

}  // namespace sovereign::config
