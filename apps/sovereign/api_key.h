// The key that a command sends to a server.
#pragma once

#include <string>

#include "base/result.h"

namespace sovereign {

// The first line of the file, else the environment's variable; empty when neither is given. Errors:
// not_found.
result<std::string> read_api_key(const std::string& file, const char* variable);

}  // namespace sovereign
