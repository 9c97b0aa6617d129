// The roadmap's 'before' of cache keys: join the parts with colons, SHA-256, hex, cut to 16 digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sovereign::roadmap {

std::string cache_key(std::string_view content, std::uint32_t max_depth, bool require_reasoning);

}  // namespace sovereign::roadmap
