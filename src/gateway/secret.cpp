#include "gateway/secret.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace sovereign::gateway {

result<std::string> read_secret(const std::string& variable, const std::string& file) {
  std::string secret;
  std::string place;
  if (!file.empty()) {
    place = file;
    std::ifstream in(file);
    if (!in || !std::getline(in, secret)) {
      return fail(ErrorCode::not_found, fmt::format("cannot read an API key from {}", file), file);
    }
  } else if (!variable.empty()) {
    place = "$" + variable;
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') {
      return fail(ErrorCode::not_found, fmt::format("the variable {} with an API key is not set", variable),
                  variable);
    }
    secret = value;
  }
  while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' ')) secret.pop_back();
  // Anything else would break the header that it goes into.
  const bool is_clean =
      std::all_of(secret.begin(), secret.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (is_clean) return secret;
  return fail(ErrorCode::invalid_argument,
              fmt::format("the API key in {} holds characters that no key has", place), place);
}

}  // namespace sovereign::gateway
