// What a value must look like beyond its type: rules of single keys.
#pragma once

#include <optional>
#include <utility>

#include "base/result.h"
#include "config/key.h"
#include "omega/ihsan_vector.h"

namespace sovereign::config {

// Every entry is "sha256:" and 64 hexadecimal digits. The message never repeats the entry: people paste
// the key itself here by mistake.
result<void> check_key_hashes(const Value& list);

// Every entry is "*" or an origin as browsers send it: scheme://host[:port], without a path.
result<void> check_origins(const Value& list);

// Empty, or a URL of a Redis server. The message never repeats it: it may hold a password.
result<void> check_senders(const Value& list);
result<void> check_redis_url(const Value& text);

// "truthfulness=0.5"
std::optional<std::pair<omega::Dimension, double>> parse_dimension_minimum(std::string_view text);
std::optional<omega::Dimension> dimension_from(std::string_view name);
result<void> check_dimension_minimums(const Value& list);
result<void> check_dimensions(const Value& list);

// Every entry is a tier: "edge", "local" or "pool".
result<void> check_tiers(const Value& list);

// Empty, or an http:// or https:// address without credentials in it.
result<void> check_http_url(const Value& text);

// Empty, or the name of a template that llama.cpp has built in.
result<void> check_prompt_template(const Value& text);

result<void> check_not_empty(const Value& text);

}  // namespace sovereign::config
