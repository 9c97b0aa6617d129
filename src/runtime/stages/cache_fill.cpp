#include "runtime/stages/cache_fill.h"

#include "runtime/query_run.h"
#include "runtime/result_codec.h"

namespace sovereign::runtime {

void CacheFillStage::enter(const QueryRunPtr& run) {
  if (run->store) {
    cache_.put(run->key.key(), encode_result(run->result), cache::wall_now(), run->query.cache.time_to_live);
  }
  run->proceed();
}

}  // namespace sovereign::runtime
