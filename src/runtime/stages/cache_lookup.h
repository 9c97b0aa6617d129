// The stage `cache`: answers from the response cache, or joins an identical query that is under way.
//
// Memory is looked into at once; the levels below it, which may be slow, on threads of their own, while the
// run holds no thread.
#pragma once

#include <functional>
#include <optional>

#include "cache/lookup_threads.h"
#include "cache/response_cache.h"
#include "runtime/cache_policy.h"
#include "runtime/flight.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

// What a cache hit amounts to: fills choices, usage and the note. False, leaving the note alone, when the
// answer is older than the query wants, or cannot be read.
bool take_hit(const cache::CacheHit& hit, const CachePolicy& policy, SovereignResult& result);

class CacheLookupStage final : public Stage {
 public:
  // The cache and the threads outlive every run. No threads: the levels are looked into where memory is.
  CacheLookupStage(cache::ResponseCache& cache, cache::SingleFlightConfig config,
                   cache::LookupThreads* threads)
      : cache_(cache), flights_(config), threads_(threads) {}
  std::string_view name() const override { return "cache"; }
  void enter(const QueryRunPtr& run) override;

 private:
  bool find_in_memory(QueryRun& run);
  // Goes on with the run.
  void find_below(const QueryRunPtr& run, bool joins);
  void join(const QueryRunPtr& run);

  cache::ResponseCache& cache_;
  Flights flights_;
  cache::LookupThreads* const threads_;
};

}  // namespace sovereign::runtime
