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

bool CacheLookupStage::find_in_memory(QueryRun& run) {
  const auto hit = cache_.find_in_memory(*run.key, cache::wall_now());
  return hit && take_hit(*hit, run.query.cache, run.result);
}

void CacheLookupStage::find_below(const QueryRunPtr& run, bool joins) {
  const auto go_on = [this, run, joins](const std::optional<cache::CacheHit>& hit) {
    if (hit && take_hit(*hit, run->query.cache, run->result)) return run->answer();
    if (!joins) return run->proceed();
    join(run);
  };
  if (threads_ == nullptr) return go_on(cache_.find_below(*run->key, cache::wall_now()));
  const bool posted = threads_->post([this, run, go_on](bool look) {
    auto hit = look ? cache_.find_below(*run->key, cache::wall_now()) : std::nullopt;
    run->post([go_on, found = std::move(hit)] { go_on(found); });
  });
  if (!posted) go_on(std::nullopt);
}

void CacheLookupStage::enter(const QueryRunPtr& run) {
  const CachePlan plan = plan_cache(run->query, run->identity);
  if (!plan.uses_cache()) return run->proceed();
  encode_query(run->query, run->identity, run->policy(), run->encoder);
  run->key = run->encoder.key();
  run->result.cached = {CacheNote::Status::miss, {}, {}, run->key->hash()};
  run->store = plan.store;
  if (plan.lookup && find_in_memory(*run)) return run->answer();
  if (plan.lookup && cache_.has_levels()) return find_below(run, plan.join);
  if (!plan.join) return run->proceed();
  join(run);
}

void CacheLookupStage::join(const QueryRunPtr& run) {
  auto follower = std::make_shared<FlightFollower>(run->client);
  auto producer = follower->join(flights_, *run->key);
  if (!producer) return run->proceed();  // too many at once: this query is answered for itself
  const bool leads = producer->has_value();
  if (leads) {
    run->flight = std::make_shared<FlightLeader>(std::move(**producer), run, follower);
    run->client = run->flight;
  }
  run->leave_by([weak = std::weak_ptr(follower)] {
    if (const auto alive = weak.lock()) alive->leave();
  });
  follower->begin(leads ? nullptr : run);
  if (!leads) return;  // the flight answers
  // Another flight may have landed between the look into the cache and joining.
  if (!find_in_memory(*run)) return run->proceed();
  const auto flight = run->flight;
  flight->land(run, [run] { run->answer(); });
}

}  // namespace sovereign::runtime
