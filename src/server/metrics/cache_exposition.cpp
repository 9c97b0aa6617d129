#include "server/metrics/cache_exposition.h"

namespace sovereign::server {

void write_cache_metrics(PrometheusText& text, const cache::ResponseCacheStats& stats) {
  const auto each = [&](std::string_view name, PrometheusText::Type type, std::string_view help,
                        std::uint64_t of_memory, auto of_level) {
    text.begin(name, type, help);
    text.sample(static_cast<double>(of_memory), {{"level", "memory"}});
    for (const auto& level : stats.levels) {
      text.sample(static_cast<double>(of_level(level.stats)), {{"level", level.name}});
    }
  };
  using Level = cache::LevelStats;
  using Type = PrometheusText::Type;
  each("sovereign_cache_hits_total", Type::counter, "Answers found.", stats.memory.hits,
       [](const Level& level) { return level.hits; });
  each("sovereign_cache_misses_total", Type::counter, "Answers looked for in vain.", stats.memory.misses,
       [](const Level& level) { return level.misses; });
  each("sovereign_cache_evictions_total", Type::counter, "Answers that went for room.",
       stats.memory.evictions, [](const Level& level) { return level.evictions; });
  each("sovereign_cache_refusals_total", Type::counter, "Answers that were not taken.", stats.memory.refusals,
       [](const Level& level) { return level.refusals; });
  each("sovereign_cache_entries", Type::gauge, "Answers kept; of a shared level the server knows.",
       stats.memory.entries, [](const Level& level) { return level.entries; });
  each("sovereign_cache_bytes", Type::gauge, "Size of what is kept.", stats.memory.bytes,
       [](const Level& level) { return level.bytes; });
  if (stats.levels.empty()) return;
  text.begin("sovereign_cache_level_healthy", Type::gauge, "1: the level takes answers and gives them.");
  for (const auto& level : stats.levels) text.sample(level.stats.healthy ? 1 : 0, {{"level", level.name}});
  text.begin("sovereign_cache_level_errors_total", Type::counter, "Operations of a level that failed.");
  for (const auto& level : stats.levels) {
    text.sample(static_cast<double>(level.stats.errors), {{"level", level.name}});
  }
}

}  // namespace sovereign::server
