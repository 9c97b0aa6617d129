#include "api_key.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

namespace sovereign {

result<std::string> read_api_key(const std::string& file, const char* variable) {
  if (file.empty()) {
    const char* key = std::getenv(variable);
    return std::string(key == nullptr ? "" : key);
  }
  std::ifstream in(file);
  std::string key;
  if (in && std::getline(in, key)) return key;
  return fail(ErrorCode::not_found, fmt::format("cannot read an API key from {}", file), file);
}

}  // namespace sovereign
