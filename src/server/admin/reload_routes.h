// POST /admin/reload, behind an admin key: the configuration is read again and put in force, as by SIGHUP.
//
// 200 with {"applied":[…],"needs_restart":[…]}: names of keys, tables by theirs. 400 with what is wrong and
// where: then nothing has changed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/openai/api_context.h"
#include "server/router.h"

namespace sovereign::server {

struct ReloadReport {
  std::vector<std::string> applied;        // what changed and is in force
  std::vector<std::string> needs_restart;  // what changed and is not
};

// Called on the pool's thread, one call at a time where the pool has one thread.
using Reload = std::function<result<ReloadReport>()>;

// The pool outlives the server's handlers.
void add_reload_route(Router& router, const openai::ApiContext& api, WorkerPool& pool, Reload reload);

}  // namespace sovereign::server
