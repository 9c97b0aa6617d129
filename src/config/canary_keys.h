// The section [canary], and what it amounts to (docs/canary.md).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/key.h"
#include "gateway/canary/canary.h"
#include "runtime/canary/overlay.h"

namespace sovereign::config {

std::vector<Key> canary_keys();

// What keys demand of each other.
std::vector<Error> check_canary(const Settings& settings);

// The settings have been checked for all of these. Without a canary, as control has it.
runtime::CanaryOverlay canary_overlay(const CanarySettings& canary);
// The settings with what canary.set says of them; all but the defaults of sampling.
Settings variant_settings(const Settings& settings);
// canary.name is not empty.
// `model_files`: in which state the files are that answer for control; other ones are another control.
gateway::CanaryConfig canary_config(const Settings& settings, std::string_view model_files = {});

}  // namespace sovereign::config
