// What a value must look like beyond its type: rules of single keys.
#pragma once

#include "base/result.h"
#include "config/key.h"

namespace sovereign::config {

// Every entry is "sha256:" and 64 hexadecimal digits. The message never repeats the entry: people paste
// the key itself here by mistake.
result<void> check_key_hashes(const Value& list);

// Every entry is "*" or an origin as browsers send it: scheme://host[:port], without a path.
result<void> check_origins(const Value& list);

// Empty, or a URL of a Redis server. The message never repeats it: it may hold a password.
result<void> check_senders(const Value& list);
result<void> check_redis_url(const Value& text);

// Every entry is a tier: "edge", "local" or "pool".
result<void> check_tiers(const Value& list);

// Empty, or an http:// or https:// address without credentials in it.
result<void> check_http_url(const Value& text);

result<void> check_not_empty(const Value& text);

}  // namespace sovereign::config
