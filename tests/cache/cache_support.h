// What the cache's tests share: entries by number.
#pragma once

#include <chrono>
#include <string>

#include "cache/entry.h"

namespace sovereign::cache {

inline WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

inline std::string encoding_of(std::uint64_t id) { return "key " + std::to_string(id); }

// A key that borrows its encoding.
inline QueryKey key_of(const std::string& encoding) { return {hash128(encoding), encoding}; }

inline EntryPtr entry_of(std::uint64_t id, std::string_view value, WallTime expires = kNever,
                         WallTime created = at_ms(0)) {
  return Entry::make(key_of(encoding_of(id)), value, created, expires);
}

}  // namespace sovereign::cache
