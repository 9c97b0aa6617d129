// What response headers say of a query's answer.
//
//   X-Sovereign-Cache, X-Sovereign-Cache-Key, Age   cache_fields.h
//   X-Sovereign-Quality                             the score, or "unmeasured"; of several answers the least
//   X-Sovereign-Canary                              the canary whose variant answers
//
// A stream's headers go out before its answer is there: only what was found, or held back, has a score then.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/query_client.h"
#include "runtime/result.h"

namespace sovereign::server::openai {

std::vector<std::pair<std::string, std::string>> answer_headers(const runtime::SovereignResult& result);
std::vector<std::pair<std::string, std::string>> answer_headers(const runtime::Beginning& beginning);

}  // namespace sovereign::server::openai
