// What two configurations differ in, and what of it a running server can take over.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

namespace sovereign {

struct SettingsChange {
  std::vector<std::string> applied;        // keys; tables by their names: "models.large", "backends.rack"
  std::vector<std::string> needs_restart;  // keys of sections that are read once, at the start
};

SettingsChange compare_settings(const config::Settings& now, const config::Settings& next);

// `now` with all of `next` that needs no restart.
config::Settings take_over(const config::Settings& now, const config::Settings& next);

// What may be taken over alone, and what waits for a restart, may contradict each other: then nothing is.
result<void> check_merged(const config::Settings& merged, const SettingsChange& change);

}  // namespace sovereign
