// Which regular expressions of JSON schemas llama.cpp's converter turns into a grammar that means the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sovereign::engine {

// Absent: it is enforced as it stands. Else why it is not, e.g. "must begin with '^' and end with '$'".
std::optional<std::string> why_not_enforced(std::string_view pattern);

}  // namespace sovereign::engine
