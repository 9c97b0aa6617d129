// Whether a new configuration means the gateway that there is.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"
#include "gateway/remote_config.h"

namespace sovereign {

// All that a gateway is made of, as text: backends with their keys (as digests) and certificates, models,
// routing. Where two are equal, the gateway that there is stays, with what it has learned of its backends,
// and its limits. Errors: as gateway::read_secret().
result<std::string> describe_gateway(const config::Settings& settings, const std::string& model_id);

// The same of one backend, with the settings of its breaker: where two are equal, what is known of one is
// true of the other, whatever else of the gateway changes.
result<std::string> describe_backend(const config::Settings& settings, const gateway::RemoteConfig& backend);

}  // namespace sovereign
