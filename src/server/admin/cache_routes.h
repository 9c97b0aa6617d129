// The response cache for those who run the server, behind an admin key (server.admin_key_hashes):
//
//   GET    /admin/cache          counters and sizes of every level
//   DELETE /admin/cache          empties every level
//   GET    /admin/cache/{key}    one answer by its key, as X-Sovereign-Cache-Key tells it
//   DELETE /admin/cache/{key}    forgets that answer
//
// 404 where the server runs without a cache. Forgetting also forgets the bodies of requests that are known by
// their bytes (openai/chat_memo.h).
#pragma once

#include <string>

#include "cache/response_cache.h"
#include "server/openai/api_context.h"
#include "server/router.h"

namespace sovereign::server {

// `pool` is for work that may take as long as a slow disk or another server: queries must not wait behind it.
void add_cache_routes(Router& router, const openai::ApiContext& api, WorkerPool& pool);

// The body of GET /admin/cache.
std::string cache_stats_json(const cache::ResponseCacheStats& stats);

}  // namespace sovereign::server
