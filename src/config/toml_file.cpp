#include "config/toml_file.h"

#include <fmt/format.h>

#include <algorithm>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace sovereign::config {
namespace {

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array that holds more than strings";
    default: return "a value of another type";
  }
}

TomlValue to_value(const toml::node& node) {
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* real = node.as_floating_point()) return real->get();
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* array = node.as_array()) {
    std::vector<std::string> items;
    for (const toml::node& element : *array) {
      if (const auto* text = element.as_string()) items.push_back(text->get());
    }
    if (items.size() == array->size()) return items;
  }
  return OtherType{type_name(node)};
}

void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& entries) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      flatten(*inner, name + ".", entries);
    } else {
      entries.push_back({name, to_value(node), key.source().begin.line});
    }
  }
}

}  // namespace

std::string describe(const TomlValue& value) {
  if (std::holds_alternative<bool>(value)) return "a boolean";
  if (std::holds_alternative<std::int64_t>(value)) return "an integer";
  if (std::holds_alternative<double>(value)) return "a floating-point number";
  if (std::holds_alternative<std::string>(value)) return "a string";
  if (std::holds_alternative<std::vector<std::string>>(value)) return "an array of strings";
  return std::get<OtherType>(value).name;
}

result<std::vector<TomlEntry>> parse_toml(std::string_view text, const std::string& file) {
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(ErrorCode::corrupt,
                fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()), file);
  }
  std::vector<TomlEntry> entries;
  flatten(parsed.table(), "", entries);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
  return entries;
}

result<std::vector<TomlEntry>> read_toml(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is a folder, not a configuration file", path.string()), path.string());
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::permission_denied;
    return fail(code,
                fmt::format("cannot read the configuration file {}: {}", path.string(), std::strerror(errno)),
                path.string());
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_toml(text, path.string());
}

}  // namespace sovereign::config
