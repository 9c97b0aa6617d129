// What the response cache does for one query: decided before anything is looked up. Pure.
#pragma once

#include "gateway/backend.h"
#include "runtime/query.h"

namespace sovereign::runtime {

struct CachePlan {
  bool lookup = false;  // a kept answer will do
  bool join = false;    // an answer that is being made for somebody else will do
  bool store = false;   // keep the answer

  bool uses_cache() const { return lookup || join || store; }
};

// `identity`: of who is to answer.
CachePlan plan_cache(const SovereignQuery& query, const gateway::BackendIdentity& identity);

// Reads a request's Cache-Control (RFC 9111 5.2.1): no-cache, no-store, max-age; the rest is ignored.
void apply_cache_control(std::string_view header, CachePolicy& policy);

}  // namespace sovereign::runtime
