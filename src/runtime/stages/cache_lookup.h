// The stage `cache`: answers from the response cache, or joins an identical query that is under way.
#pragma once

#include <functional>
#include <optional>

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
  // The cache outlives every run.
  CacheLookupStage(cache::ResponseCache& cache, cache::SingleFlightConfig config)
      : cache_(cache), flights_(config) {}
  std::string_view name() const override { return "cache"; }
  void enter(const QueryRunPtr& run) override;

 private:
  bool find(QueryRun& run, bool memory_only);
  void join(const QueryRunPtr& run);

  cache::ResponseCache& cache_;
  Flights flights_;
};

}  // namespace sovereign::runtime
