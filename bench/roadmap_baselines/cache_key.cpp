#include "roadmap_baselines/cache_key.h"

#include "base/sha256.h"

namespace sovereign::roadmap {

std::string cache_key(std::string_view content, std::uint32_t max_depth, bool require_reasoning) {
  std::string joined(content);
  joined += ':';
  joined += std::to_string(max_depth);
  joined += ':';
  joined += require_reasoning ? "True" : "False";
  return sha256_hex(joined).substr(0, 16);
}

}  // namespace sovereign::roadmap
