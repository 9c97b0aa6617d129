// The response cache that the settings describe.
#pragma once

#include <memory>

#include "base/result.h"
#include "cache/response_cache.h"
#include "config/settings.h"

namespace sovereign {

// A level that cannot be had is left out with a warning: a server without it is slower, not wrong. Errors:
// invalid_argument (a URL that is none).
result<std::unique_ptr<cache::ResponseCache>> make_cache(const config::CacheSettings& settings);

// The share of cache.max_bytes that remembers which requests lead to which answers (ChatMemo); make_cache()
// takes the rest.
std::uint64_t memo_bytes(const config::CacheSettings& settings);

}  // namespace sovereign
