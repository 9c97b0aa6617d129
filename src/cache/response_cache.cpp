#include "cache/response_cache.h"

namespace sovereign::cache {
namespace {

constexpr std::string_view kMemory = "memory";

CacheHit hit(EntryPtr entry, std::string_view level, WallTime now) {
  const WallDuration age = entry->age(now);
  return {std::move(entry), level, age};
}

// When an answer made now ends; a time to live past the end of time is none.
WallTime end_of(WallTime now, std::optional<WallDuration> time_to_live) {
  if (!time_to_live || *time_to_live >= kNever - now) return kNever;
  return now + *time_to_live;
}

}  // namespace

ResponseCache::ResponseCache(const ResponseCacheConfig& config,
                             std::vector<std::unique_ptr<CacheLevel>> levels)
    : memory_(config.memory), time_to_live_(config.time_to_live), levels_(std::move(levels)) {}

std::optional<CacheHit> ResponseCache::find_in_memory(const QueryKey& key, WallTime now) {
  if (EntryPtr entry = memory_.get(key, now)) return hit(std::move(entry), kMemory, now);
  return std::nullopt;
}

std::optional<CacheHit> ResponseCache::find_below(const QueryKey& key, WallTime now) {
  const std::uint64_t changes = changes_of(key.hash()).load();
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    EntryPtr entry = levels_[i]->get(key, now);
    if (!entry) continue;
    raise(entry, i, changes);
    return hit(std::move(entry), levels_[i]->name(), now);
  }
  return std::nullopt;
}

void ResponseCache::raise(const EntryPtr& entry, std::size_t from_level, std::uint64_t changes_before) {
  const auto& changes = changes_of(entry->hash());
  if (changes.load() != changes_before) return;
  memory_.put(entry);
  for (std::size_t above = 0; above < from_level; ++above) levels_[above]->put(entry);
  // Changed in between: whether this put came before or after that change is unknown. Without it, what the
  // levels below hold counts.
  if (changes.load() == changes_before) return;
  memory_.erase(entry->hash());
  for (std::size_t above = 0; above < from_level; ++above) levels_[above]->erase(entry->hash());
}

std::optional<CacheHit> ResponseCache::find(const QueryKey& key, WallTime now) {
  if (auto found = find_in_memory(key, now)) return found;
  return find_below(key, now);
}

EntryPtr ResponseCache::put(const QueryKey& key, std::string_view value, WallTime now,
                            std::optional<WallDuration> time_to_live) {
  EntryPtr entry = Entry::make(key, value, now, end_of(now, time_to_live ? time_to_live : time_to_live_));
  // A refused entry must not leave an older answer behind it.
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    if (!(*level)->put(entry)) (*level)->erase(entry->hash());
    ++changes_of(entry->hash());
  }
  if (!memory_.put(entry)) memory_.erase(entry->hash());
  return entry;
}

std::optional<CacheHit> ResponseCache::peek(const Hash128& hash, WallTime now) {
  if (EntryPtr entry = memory_.peek(hash, now)) return hit(std::move(entry), kMemory, now);
  for (const auto& level : levels_) {
    if (EntryPtr entry = level->peek(hash, now)) return hit(std::move(entry), level->name(), now);
  }
  return std::nullopt;
}

void ResponseCache::erase(const Hash128& hash) {
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    (*level)->erase(hash);
    ++changes_of(hash);
  }
  memory_.erase(hash);
}

result<void> ResponseCache::clear() {
  result<void> outcome;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    if (auto done = (*level)->clear(); !done) outcome = done;
    for (auto& changes : changes_) ++changes;
  }
  memory_.clear();
  return outcome;
}

result<void> ResponseCache::flush() {
  result<void> outcome;
  for (const auto& level : levels_) {
    if (auto done = level->flush(); !done && outcome) outcome = done;
  }
  return outcome;
}

ResponseCacheStats ResponseCache::stats() const {
  ResponseCacheStats stats{.memory = memory_.stats(), .levels = {}};
  for (const auto& level : levels_) stats.levels.push_back({level->name(), level->stats()});
  return stats;
}

}  // namespace sovereign::cache
