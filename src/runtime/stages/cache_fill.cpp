#include "runtime/stages/cache_fill.h"

#include <algorithm>

#include "runtime/flight.h"
#include "runtime/query_run.h"
#include "runtime/result_codec.h"

namespace sovereign::runtime {
namespace {

// Asked again, a filter may let it pass.
bool was_filtered(const SovereignResult& result) {
  return std::any_of(result.choices.begin(), result.choices.end(),
                     [](const Choice& choice) { return choice.finish == engine::FinishReason::filtered; });
}

}  // namespace

void CacheFillStage::enter(const QueryRunPtr& run) {
  if (run->store && !was_filtered(run->result)) {
    cache_.put(*run->key, encode_result(run->result), cache::wall_now(), run->query.cache.time_to_live);
  }
  if (const auto flight = run->flight) return flight->land(run, [run] { run->proceed(); });
  run->proceed();
}

}  // namespace sovereign::runtime
