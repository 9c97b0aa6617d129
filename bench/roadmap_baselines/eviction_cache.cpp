#include "roadmap_baselines/eviction_cache.h"

#include <algorithm>
#include <vector>

namespace sovereign::roadmap {

bool EvictionCache::put(const std::string& key, std::string value) {
  const bool full = entries_.size() >= max_entries_;
  if (full) evict();
  if (const auto found = entries_.find(key); found != entries_.end()) {
    found->second->second = std::move(value);
    return full;
  }
  order_.emplace_back(key, std::move(value));
  entries_.emplace(key, std::prev(order_.end()));
  return full;
}

void EvictionCache::evict() {
  std::vector<std::string> keys;
  keys.reserve(order_.size());
  for (const auto& [key, value] : order_) keys.push_back(key);
  const std::size_t count = std::min(kEvictedAtOnce, keys.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = entries_.find(keys[i]);
    order_.erase(found->second);
    entries_.erase(found);
  }
}

}  // namespace sovereign::roadmap
