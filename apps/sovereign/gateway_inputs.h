// Whether a new configuration means the gateway that there is.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace sovereign {

// All that a gateway is made of, as text: backends with their keys (as digests) and certificates, models,
// routing. Where two are equal, the gateway that there is stays, with what it has learned of its backends,
// and its limits. Errors: as gateway::read_secret().
result<std::string> describe_gateway(const config::Settings& settings, const std::string& model_id);

}  // namespace sovereign
