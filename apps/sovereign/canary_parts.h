// The canary as the configuration describes it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"
#include "config/settings.h"
#include "runtime/standard_pipeline.h"
#include "server/openai/api_context.h"

namespace sovereign {

// As config::canary_config(), with the state of the models' files: one that was replaced under its name is
// another control.
gateway::CanaryConfig canary_config(const config::Settings& settings,
                                    const std::filesystem::path& first_model);

// Null without canary.name. `parts_for` gives the parts of a pipeline under other settings of quality and
// reasoning. Errors: the state file's folder cannot be made, and as CanaryTrial::open().
result<std::shared_ptr<const server::openai::Canary>> make_canary(
    const config::Settings& settings, const std::filesystem::path& first_model,
    const std::function<runtime::PipelineParts(const config::Settings&)>& parts_for);

}  // namespace sovereign
