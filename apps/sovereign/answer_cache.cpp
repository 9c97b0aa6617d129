#include "answer_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "base/build_info.h"
#include "cache/disk_store.h"
#include "cache/redis_level.h"

namespace sovereign {
namespace {

// Keys name their model, so the stamp is about this program alone: a new build may answer otherwise.
cache::Stamp build_stamp() { return {fmt::format("{} {}", build_info::version, build_info::git_commit), ""}; }

void add_disk(const config::CacheSettings& settings,
              std::vector<std::unique_ptr<cache::CacheLevel>>& levels) {
  if (settings.disk_path.empty()) return;
  cache::DiskStoreConfig config;
  config.path = settings.disk_path;
  config.max_bytes = settings.disk_max_bytes;
  auto disk = cache::DiskStore::open(std::move(config), build_stamp());
  if (disk) {
    levels.push_back(std::move(*disk));
  } else {
    spdlog::warn("answers stay in memory only: {}", disk.error().message);
  }
}

result<void> add_redis(const config::CacheSettings& settings,
                       std::vector<std::unique_ptr<cache::CacheLevel>>& levels) {
  if (settings.redis_url.empty()) return {};
  auto address = cache::parse_redis_url(settings.redis_url);
  if (!address) return fail(address.error());
  cache::RedisLevelConfig config;
  config.address = std::move(*address);
  config.timeout = settings.redis_timeout;
  levels.push_back(std::make_unique<cache::RedisLevel>(std::move(config), build_stamp()));
  return {};
}

}  // namespace

std::uint64_t memo_bytes(const config::CacheSettings& settings) {
  constexpr std::uint64_t kShare = 8;
  return settings.max_bytes / kShare;
}

result<std::unique_ptr<cache::ResponseCache>> make_cache(const config::CacheSettings& settings) {
  std::vector<std::unique_ptr<cache::CacheLevel>> levels;
  add_disk(settings, levels);
  if (auto added = add_redis(settings, levels); !added) return fail(added.error());
  cache::ResponseCacheConfig config;
  config.memory.max_entries = settings.max_entries;
  config.memory.max_bytes = settings.max_bytes - memo_bytes(settings);
  if (settings.time_to_live.count() > 0) config.time_to_live = settings.time_to_live;
  return std::make_unique<cache::ResponseCache>(config, std::move(levels));
}

}  // namespace sovereign
