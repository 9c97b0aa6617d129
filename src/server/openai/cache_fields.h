// The response cache as clients see it: fields that ask for something, headers that tell what happened.
//
//   body      "cache": "auto" | "force" | "refresh" | "off", "cache_ttl": seconds
//   request   Cache-Control: no-cache, no-store, max-age
//   response  X-Sovereign-Cache: hit | miss | shared | bypass; X-Sovereign-Cache-Key; Age (of a hit)
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/query.h"
#include "runtime/result.h"
#include "server/openai/fields.h"

namespace sovereign::server::openai {

// Errors are left in `fields`.
runtime::CachePolicy read_cache_policy(Fields& fields);

std::vector<std::pair<std::string, std::string>> cache_headers(const runtime::CacheNote& note);

}  // namespace sovereign::server::openai
