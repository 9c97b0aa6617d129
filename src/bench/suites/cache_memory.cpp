#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/allocation_counter.h"
#include "bench/suites/cache.h"
#include "cache/key_encoder.h"
#include "cache/response_cache.h"
#include "roadmap_baselines/eviction_cache.h"

namespace sovereign::bench {
namespace {

using cache::KeyEncoder;
using cache::KeyField;
using SteadyClockNow = std::chrono::steady_clock;

constexpr std::size_t kValueBytes = 400;  // an answer of about a hundred words

std::string content_of(std::uint64_t id) { return "What is the meaning of item " + std::to_string(id) + "?"; }

cache::QueryKey key_of(KeyEncoder& encoder, std::string_view content) {
  encoder.clear();
  encoder.add_text(KeyField::model_digest, "sha256:0123456789abcdef0123456789abcdef");
  encoder.add_unsigned(KeyField::max_depth, 3);
  encoder.add_flag(KeyField::require_reasoning, true);
  encoder.add_text(KeyField::content, content);
  return encoder.key();
}

double nanoseconds(SteadyClockNow::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

struct HitRun {
  std::vector<double> latencies_ns;
  std::uint64_t allocations = 0;
  std::uint64_t misses = 0;
};

// Each hit: key from the content, look-up, and the answer in hand.
HitRun hit_many(cache::ResponseCache& answers, const std::vector<std::string>& contents, std::size_t hits,
                std::uint64_t seed) {
  HitRun run;
  run.latencies_ns.reserve(hits);
  std::mt19937_64 random(seed);
  KeyEncoder encoder;
  key_of(encoder, contents.front());  // its first use allocates
  std::string content(64, ' ');
  const auto now = cache::wall_now();
  const std::uint64_t before = allocations_of_this_thread();
  for (std::size_t i = 0; i < hits; ++i) {
    content = contents[random() % contents.size()];  // as a request brings it: just read
    const auto begin = SteadyClockNow::now();
    const auto hit = answers.find_in_memory(key_of(encoder, content), now);
    const auto end = SteadyClockNow::now();
    if (!hit) ++run.misses;
    run.latencies_ns.push_back(nanoseconds(end - begin));
  }
  run.allocations = allocations_of_this_thread() - before;
  return run;
}

// Mean nanoseconds of a put that evicts, in a cache that is full; with a look-up that misses before each put,
// as a query has it, those of both.
double put_with_eviction_ns(std::size_t puts, std::uint64_t& next_id, cache::ResponseCache& answers,
                            bool look_first = false) {
  KeyEncoder encoder;
  const std::string value(64, 'v');
  std::vector<std::string> contents;
  contents.reserve(puts);
  for (std::size_t i = 0; i < puts; ++i) contents.push_back(content_of(next_id++));
  const auto now = cache::wall_now();
  const auto evictions = answers.stats().memory.evictions;
  const auto begin = SteadyClockNow::now();
  std::size_t found = 0;
  for (const auto& content : contents) {
    const cache::QueryKey key = key_of(encoder, content);
    if (look_first) found += answers.find_in_memory(key, now) ? 1 : 0;
    answers.put(key, value, now);
  }
  const auto evicted =
      answers.stats().memory.evictions - evictions;  // timed: it carries out what still waits
  const double spent = nanoseconds(SteadyClockNow::now() - begin);
  // Shards fill unevenly; a few puts may find room.
  return evicted * 10 < puts * 9 || found > 0 ? 0 : spent / static_cast<double>(puts);
}

std::unique_ptr<cache::ResponseCache> full_cache(std::size_t entries, std::uint64_t& next_id) {
  cache::ResponseCacheConfig config;
  config.memory.max_entries = entries;
  config.memory.max_bytes = 4ull << 30;
  auto answers = std::make_unique<cache::ResponseCache>(config);
  KeyEncoder encoder;
  const std::string value(64, 'v');
  for (std::size_t i = 0; i < entries * 5 / 4; ++i) {
    answers->put(key_of(encoder, content_of(next_id++)), value, cache::wall_now());
  }
  return answers;
}

// Nanoseconds of one put that evicts, the roadmap's way.
double roadmap_eviction_ns(roadmap::EvictionCache& answers, std::uint64_t& next_id) {
  const std::string value(64, 'v');
  while (true) {
    const std::string key = content_of(next_id++);
    const auto begin = SteadyClockNow::now();
    const bool evicted = answers.put(key, value);
    const double spent = nanoseconds(SteadyClockNow::now() - begin);
    if (evicted) return spent;
  }
}

}  // namespace

void measure_cache_hits(const CacheOptions& options, const Progress& progress, Report& report) {
  const std::size_t entries = options.smoke ? 1000 : 100'000;
  const std::size_t hits = options.smoke ? 1000 : 400'000;
  const int rounds = options.smoke ? 1 : options.rounds;
  cache::ResponseCacheConfig config;
  config.memory.max_entries = entries * 2;  // shards fill unevenly: nothing is evicted
  cache::ResponseCache answers(config);
  std::vector<std::string> contents;
  KeyEncoder encoder;
  for (std::size_t i = 0; i < entries; ++i) {
    contents.push_back(content_of(i));
    answers.put(key_of(encoder, contents.back()), std::string(kValueBytes, 'a'), cache::wall_now());
  }
  std::uint64_t allocations = 0;
  double worst_p99 = 0;
  for (const unsigned threads : {1U, 2U}) {
    progress.step("hits by " + std::to_string(threads) + " threads");
    std::vector<double> p50;
    std::vector<double> p99;
    for (int round = 0; round < rounds; ++round) {
      std::vector<HitRun> runs(threads);
      std::vector<std::thread> crew;
      for (unsigned t = 0; t < threads; ++t) {
        crew.emplace_back([&, t] {
          runs[t] = hit_many(answers, contents, hits, static_cast<std::uint64_t>(round) * 2 + t);
        });
      }
      for (auto& thread : crew) thread.join();
      std::vector<double> all;
      for (const HitRun& run : runs) {
        all.insert(all.end(), run.latencies_ns.begin(), run.latencies_ns.end());
        allocations += run.allocations;
        if (run.misses > 0) report.notes.push_back("hits: some look-ups missed; the figures are not of hits");
      }
      p50.push_back(percentile(all, 0.5));
      p99.push_back(percentile(std::move(all), 0.99));
    }
    const std::string suffix = "_" + std::to_string(threads) + "_threads";
    report.figures["hit_p50_ns" + suffix] = median(p50);
    report.figures["hit_p99_ns" + suffix] = median(p99);
    worst_p99 = std::max(worst_p99, median(p99));
  }
  report.figures["hit_p99_ns"] = worst_p99;
  report.figures["hit_allocations"] = static_cast<double>(allocations);
  report.notes.push_back(
      "hit: encoding the key, its hash, look-up, comparison, and two readings of the clock");
  progress.done();
}

void measure_cache_evictions(const CacheOptions& options, const Progress& progress, Report& report) {
  const std::size_t large = options.smoke ? 10'000 : 1'000'000;
  const std::size_t small = 1000;
  const std::size_t puts = options.smoke ? 2000 : 100'000;
  const std::size_t roadmap_entries = options.smoke ? 2000 : 100'000;
  const int rounds = options.smoke ? 2 : options.rounds;
  progress.step("evictions: filling");
  std::uint64_t next_id = 1ull << 32;
  const auto large_cache = full_cache(large, next_id);
  const auto small_cache = full_cache(small, next_id);
  const auto middle_cache = full_cache(roadmap_entries, next_id);
  roadmap::EvictionCache theirs(roadmap_entries);
  while (theirs.size() < roadmap_entries) theirs.put(content_of(next_id++), std::string(64, 'v'));
  std::vector<double> large_ns;
  std::vector<double> small_ns;
  std::vector<double> middle_ns;
  std::vector<double> roadmap_ns;
  std::vector<double> after_miss_ns;
  for (int round = -1; round < rounds; ++round) {
    progress.step("evictions: round " + std::to_string(round + 1) + " of " + std::to_string(rounds));
    const double at_small = put_with_eviction_ns(puts, next_id, *small_cache);
    const double at_large = put_with_eviction_ns(puts, next_id, *large_cache);
    const double after_miss = put_with_eviction_ns(puts, next_id, *large_cache, true);
    const double at_middle = put_with_eviction_ns(puts, next_id, *middle_cache);
    const double at_theirs = roadmap_eviction_ns(theirs, next_id);
    if (round < 0) continue;
    small_ns.push_back(at_small);
    large_ns.push_back(at_large);
    after_miss_ns.push_back(after_miss);
    middle_ns.push_back(at_middle);
    roadmap_ns.push_back(at_theirs);
  }
  report.ratios["evict_1e6_vs_1e3"] = paired_ratio(large_ns, small_ns, 3);
  report.ratios["evict_vs_roadmap"] = paired_ratio(roadmap_ns, middle_ns, 4);
  report.figures["evict_ns_1e3"] = median(small_ns);
  report.figures["evict_ns_1e5"] = median(middle_ns);
  report.figures["evict_ns_1e6"] = median(large_ns);
  report.figures["miss_and_evict_ns_1e6"] = median(after_miss_ns);
  report.figures["roadmap_evict_ns_1e5"] = median(roadmap_ns);
  report.figures["roadmap_evict_ns_1e5_per_entry_evicted"] =
      median(roadmap_ns) / static_cast<double>(roadmap::EvictionCache::kEvictedAtOnce);
  report.notes.push_back(
      "evict: a put that evicts one entry, key and entry made in it; the roadmap's evicts a hundred at once "
      "and then has room for a hundred puts: both its cost and its share per entry are told");
  progress.done();
}

}  // namespace sovereign::bench
