#include "server/openai/cache_fields.h"

namespace sovereign::server::openai {
namespace {

constexpr std::int64_t kMaxTtlSeconds = 10LL * 366 * 24 * 3600;

}  // namespace

runtime::CachePolicy read_cache_policy(Fields& fields) {
  runtime::CachePolicy policy;
  std::string mode = "auto";
  fields.read("cache", mode);
  if (mode == "force") {
    policy.mode = runtime::CacheMode::force;
  } else if (mode == "refresh") {
    policy.mode = runtime::CacheMode::refresh;
  } else if (mode == "off") {
    policy.mode = runtime::CacheMode::off;
  } else if (mode != "auto") {
    fields.refuse("cache", "must be auto, force, refresh or off");
  }
  std::optional<std::int64_t> seconds;
  fields.read("cache_ttl", seconds, 1, kMaxTtlSeconds);
  if (seconds) policy.time_to_live = std::chrono::seconds(*seconds);
  return policy;
}

std::vector<std::pair<std::string, std::string>> cache_headers(const runtime::CacheNote& note) {
  std::vector<std::pair<std::string, std::string>> headers;
  headers.reserve(3);
  headers.emplace_back("X-Sovereign-Cache", to_string(note.status));
  if (note.status == runtime::CacheNote::Status::bypass) return headers;
  headers.emplace_back("X-Sovereign-Cache-Key", cache::to_hex(note.key));
  if (note.status == runtime::CacheNote::Status::hit) {
    headers.emplace_back("Age",
                         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(note.age).count()));
  }
  return headers;
}

}  // namespace sovereign::server::openai
