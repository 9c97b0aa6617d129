#include "server/openai/routing_fields.h"

#include <string>

namespace sovereign::server::openai {

RoutingFields read_routing_fields(Fields& fields) {
  RoutingFields routing;
  std::string tier;
  fields.read("tier", tier);
  if (!tier.empty()) {
    routing.tier = gateway::tier_of(tier);
    if (!routing.tier) fields.refuse("tier", "must be edge, local or pool");
  }
  fields.read("require_local", routing.require_local);
  return routing;
}

}  // namespace sovereign::server::openai
