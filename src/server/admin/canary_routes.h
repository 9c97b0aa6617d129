// The canary, for administrators:
//
//   GET  /admin/canary                       how it stands, what was compared, and its story
//   POST /admin/canary/promote               the variant answers everything from now on
//   POST /admin/canary/rollback              the variant answers nothing any more
//   POST /admin/canary/restart               it runs again, and what was compared is forgotten
//
// The body of a POST may be {"reason": "…"}, for the story. The answer is that of GET. Without a canary: 404.
#pragma once

#include "runtime/canary/trial.h"
#include "server/openai/api_context.h"
#include "server/router.h"

namespace sovereign::server {

std::string canary_json(const runtime::CanaryView& view);

void add_canary_routes(Router& router, const openai::ApiContext& api);

}  // namespace sovereign::server
