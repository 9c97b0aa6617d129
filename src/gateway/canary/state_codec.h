// A canary's state as a JSON text, for the file that outlives the process.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/canary/canary.h"

namespace sovereign::gateway {

std::string encode_state(const CanaryState& state);
// Errors: corrupt (no such text, or of another version).
result<CanaryState> decode_state(std::string_view text);

}  // namespace sovereign::gateway
