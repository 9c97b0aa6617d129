// A TOML file as a flat list of its keys with their lines; knows no setting.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sovereign::config {

// A value of a type that no setting has (a float, a date, an array of numbers ...), by its name.
struct OtherType {
  std::string name;  // "floating-point"
};

using TomlValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, OtherType>;

// "a boolean", "an integer", ... for messages.
std::string describe(const TomlValue& value);

struct TomlEntry {
  std::string name;  // "server.port": the path through the tables
  TomlValue value;
  std::uint32_t line = 0;  // of the key, from 1
};

// In the file's order. An empty table gives no entry.
// Errors: corrupt, with "FILE:LINE: " before what the parser says.
result<std::vector<TomlEntry>> parse_toml(std::string_view text, const std::string& file);

// Errors besides: not_found, permission_denied.
result<std::vector<TomlEntry>> read_toml(const std::filesystem::path& path);

}  // namespace sovereign::config
