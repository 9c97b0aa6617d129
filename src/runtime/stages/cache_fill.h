// The stage `cache_fill`: keeps the answer for the next who asks the same, and hands it to those who wait for
// it.
//
// Kept before it is handed on, so that nobody who asks in between begins anew; and before `seal`, so that a
// receipt that fails is the matter of the one client who asked for it.
#pragma once

#include "cache/response_cache.h"
#include "runtime/stage.h"

namespace sovereign::runtime {

class CacheFillStage final : public Stage {
 public:
  // The cache outlives every run.
  explicit CacheFillStage(cache::ResponseCache& cache) : cache_(cache) {}
  std::string_view name() const override { return "cache_fill"; }
  void enter(const QueryRunPtr& run) override;

 private:
  cache::ResponseCache& cache_;
};

}  // namespace sovereign::runtime
