// The fields of a request that have a say in who answers it, beside "model".
//
//   "tier": "edge" | "local" | "pool"    "require_local": true
#pragma once

#include <optional>

#include "gateway/tier.h"
#include "server/openai/fields.h"

namespace sovereign::server::openai {

struct RoutingFields {
  std::optional<gateway::Tier> tier;
  bool require_local = false;
};

// Errors are left in `fields`.
RoutingFields read_routing_fields(Fields& fields);

}  // namespace sovereign::server::openai
