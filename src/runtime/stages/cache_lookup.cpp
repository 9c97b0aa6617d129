#include "runtime/stages/cache_lookup.h"

#include <utility>

#include "runtime/query_key.h"
#include "runtime/query_run.h"
#include "runtime/result_codec.h"

namespace sovereign::runtime {

bool take_hit(const cache::CacheHit& hit, const CachePolicy& policy, SovereignResult& result) {
  if (policy.age_limit && hit.age > *policy.age_limit) return false;
  if (!decode_result(hit.entry->value(), result)) return false;
  result.cached = {CacheNote::Status::hit, hit.level, hit.age, hit.entry->hash()};
  return true;
}

bool CacheLookupStage::find(QueryRun& run, bool memory_only) {
  const auto key = run.key.key();
  const auto now = cache::wall_now();
  const auto hit = memory_only ? cache_.find_in_memory(key, now) : cache_.find(key, now);
  return hit && take_hit(*hit, run.query.cache, run.result);
}

void CacheLookupStage::enter(const QueryRunPtr& run) {
  const CachePlan plan = plan_cache(run->query);
  if (!plan.uses_cache()) return run->proceed();
  encode_query(run->query, run->identity, run->policy(), run->key);
  run->result.cached = {CacheNote::Status::miss, {}, {}, run->key.key().hash()};
  run->store = plan.store;
  if (plan.lookup && find(*run, false)) return run->answer();
  if (!plan.join) return run->proceed();
  join(run);
}

void CacheLookupStage::join(const QueryRunPtr& run) {
  auto follower = std::make_shared<FlightFollower>(run->client);
  auto producer = follower->join(flights_, run->key.key());
  if (!producer) return run->proceed();  // too many at once: this query is answered for itself
  const bool leads = producer->has_value();
  if (leads) run->client = std::make_shared<FlightLeader>(std::move(**producer), run);
  run->leave_by([weak = std::weak_ptr(follower)] {
    if (const auto alive = weak.lock()) alive->leave();
  });
  follower->begin(leads ? nullptr : run);
  if (!leads) return;  // the flight answers
  // Another flight may have landed between the look into the cache and joining.
  if (find(*run, true)) return run->answer();
  run->proceed();
}

}  // namespace sovereign::runtime
