// The key that a backend asks for, from where the operator keeps it: never from the configuration file.
#pragma once

#include <string>

#include "base/result.h"

namespace sovereign::gateway {

// The file's first line, else the environment variable's value; empty when neither is named. Errors:
// not_found naming the variable or file, never what is in it; invalid_argument (no key could look like that).
result<std::string> read_secret(const std::string& variable, const std::string& file);

}  // namespace sovereign::gateway
