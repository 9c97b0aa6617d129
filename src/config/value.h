// The value of a setting, whatever its type.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace sovereign::config {

// In its one form: sizes in bytes and durations in milliseconds are integers.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

}  // namespace sovereign::config
