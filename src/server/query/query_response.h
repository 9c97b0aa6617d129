// The JSON of a SovereignResult, and of the events of a streamed one. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/result.h"

namespace sovereign::server {

// `created`: Unix seconds.
std::string result_json(const runtime::SovereignResult& result, std::int64_t created);

// {"delta":"…"}
std::string delta_event(std::string_view text);
// {"result":{…}}
std::string result_event(const runtime::SovereignResult& result, std::int64_t created);

}  // namespace sovereign::server
