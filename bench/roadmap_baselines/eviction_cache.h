// The roadmap's 'before' of eviction: when the cache is full, copy all its keys into a list, oldest first,
// and delete the first hundred.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace sovereign::roadmap {

class EvictionCache {
 public:
  static constexpr std::size_t kEvictedAtOnce = 100;

  explicit EvictionCache(std::size_t max_entries) : max_entries_(max_entries) {}

  // True when this put had to evict.
  bool put(const std::string& key, std::string value);
  std::size_t size() const { return entries_.size(); }

 private:
  using Order = std::list<std::pair<std::string, std::string>>;  // a Python dict keeps its order, too
  void evict();

  std::size_t max_entries_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> entries_;
};

}  // namespace sovereign::roadmap
